"""A server on this machine that treats its one file as servers and networks do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Answers every path with `body`, but one that ends in .md5 with `md5`.

    cuts      how many bytes each coming answer may send before the connection closes; none: all bytes
    stalls    whether it falls silent there instead of closing
    ranges    whether it can send a part
    etag      of the body
    length    whether it says how long the answer is
    statuses  error codes of the coming answers
    moved     path -> the address that it redirects to
    drip      seconds before each byte of an answer
    headers   of the last request
    asked     the Range of every request for the body, None for a request for all of it
    """

    daemon_threads = True

    def __init__(self, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.md5, self.etag = body, b"", '"1"'
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.stalls, self.ranges, self.length = False, True, True
        self.moved: dict[str, str] = {}
        self.drip = 0.0
        self.headers: dict[str, str] = {}
        self.asked: list[str | None] = []
        self.over = threading.Event()

    def url(self, name: str = "ml-100k.zip") -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        server.headers = dict(self.headers)
        if self.path in server.moved:
            return self._send(302, b"", 0, {"Location": server.moved[self.path]})
        if self.path.endswith(".md5"):
            return self._send(200, server.md5, len(server.md5), {})
        wanted = self.headers["Range"]
        server.asked.append(wanted)
        if server.statuses:
            return self._send(server.statuses.pop(0), b"sorry", 5, {})
        first = int(wanted[len("bytes=") : -1]) if wanted and server.ranges else 0
        size = len(server.body)
        if first >= size > 0:
            return self._send(416, b"", 0, {"Content-Range": f"bytes */{size}"})
        extra = {"ETag": server.etag}
        if first:
            extra["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        end = first + server.cuts.pop(0) if server.cuts else size
        return self._send(206 if first else 200, server.body[first:end], size - first, extra, end < size)

    def _send(self, status: int, body: bytes, length: int, extra: dict, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        if self.server.length:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        for byte in body if self.server.drip else ():
            self.wfile.write(bytes([byte]))
            if self.server.over.wait(self.server.drip):
                return
        self.wfile.write(b"" if self.server.drip else body)
        self.wfile.flush()
        if cut and self.server.stalls:
            self.server.over.wait(30)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(body: bytes = b"") -> Iterator[FileServer]:
    with FileServer(body) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def closed_address(name: str) -> str:
    """An address on this machine where nobody listens."""
    with FileServer() as server:
        return server.url(name)
