"""Open http(s) addresses, and cut connections that are slower than a lowest rate."""

from __future__ import annotations

import base64
import netrc
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.error import HTTPError
from urllib.parse import urlsplit

WINDOW = 30.0  # seconds in which so many bytes must come:
LOWEST = 4096 * 30  # a rate of 4 KiB a second; ML-1M then takes 24 minutes


class Watch:
    """Count the bytes of one request, and cut its connection where too few come in a WINDOW."""

    def __init__(self) -> None:
        self.received = 0
        self.too_slow = False
        self.sockets: list[socket.socket] = []
        self._over = threading.Event()

    def _watch(self) -> None:
        before = 0
        while not self._over.wait(WINDOW):
            if self.received - before < LOWEST:
                self.too_slow = True
                for each in self.sockets:
                    with suppress(OSError):  # of TLS, too, without its own farewell
                        socket.socket.shutdown(each, socket.SHUT_RDWR)
            before = self.received

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def open_url(url: str, headers: dict[str, str], timeout: float, watch: Watch) -> HTTPResponse:
    """Send the request, by the proxy of the environment if there is one, and follow redirects to http(s).

    A name and a password of ~/.netrc go to the address's own host alone. Raises OSError, HTTPException or
    ValueError.
    """

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            watch.sockets.append(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            watch.sockets.append(self.sock)

    class Handler(urllib.request.HTTPSHandler):
        http_request = urllib.request.HTTPSHandler.https_request

        def http_open(self, request: urllib.request.Request) -> HTTPResponse:
            return self.do_open(Plain, request)

        def https_open(self, request: urllib.request.Request) -> HTTPResponse:
            return self.do_open(Secure, request)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        Handler(),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers=headers)
    if login := _login(urlsplit(url).hostname or ""):
        request.add_unredirected_header("Authorization", f"Basic {login}")
    return opener.open(request, timeout=timeout)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http(s) alone."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme.lower() not in ("http", "https"):
            raise HTTPError(req.full_url, code, "not http(s)", headers, fp)
        fp.close()  # the caller would read all of its body, which may have no end
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _login(host: str) -> str | None:
    """Return the name and the password of ~/.netrc for a host, in base64."""
    try:
        found = netrc.netrc().hosts.get(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    return base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode() if found else None
