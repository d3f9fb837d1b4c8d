"""What a request passes before the application sees it: host, origin, rate, token, and limits of the body."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from marquee.server.problems import problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LARGEST = 256 << 10  # bytes of a body
DRAINED = 16 * LARGEST  # bytes read of one that is too large, so that its sender gets to read the answer
SLOWEST = 10.0  # seconds that a body may take
ADDRESSES = 10_000  # whose rates are remembered, those seen last
OPEN = ("/", "/healthz")  # need no token: they say nothing of any visitor
COOKIE = "marquee_token"  # has the token of a visitor who came by a link with it
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # without a referrer a form's own origin would not be known
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Limits:
    """State who may ask, and how often.

    token  the bearer token that is asked for; None: none is
    hosts  names that `Host` may have; empty: any
    rate   requests a second of one address; 0: any number
    """

    token: str | None = None
    hosts: tuple[str, ...] = LOOPBACK
    rate: float = 50.0

    def admits(self, headers: dict[bytes, bytes]) -> bool:
        """Return whether a request has the token, as a bearer or in the cookie of the page."""
        if self.token is None:
            return True
        bearer = headers.get(b"authorization", b"").removeprefix(b"Bearer ").decode("latin-1")
        cookies = (one.strip() for one in headers.get(b"cookie", b"").decode("latin-1").split(";"))
        cookie = next((one.partition("=")[2] for one in cookies if one.startswith(f"{COOKIE}=")), "")
        return any(self.is_token(one) for one in (bearer, cookie))

    def is_token(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())


class Rates:
    """Count the requests of each address: two seconds' worth may come at once, then as many as the rate."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address → requests left, when

    def allows(self, address: str) -> bool:
        if not self.rate:
            return True
        now = time.monotonic()
        left, then = self._left.pop(address, (2 * self.rate, now))
        left = min(2 * self.rate, left + (now - then) * self.rate)
        self._left[address] = (max(left - 1, 0.0), now)
        if len(self._left) > ADDRESSES:
            self._left.popitem(last=False)
        return left >= 1


class Guard:
    """Refuse what a limit forbids, read the body whole, and add the headers of a safe answer.

    done  is called after each request with scope, status and seconds
    """

    def __init__(self, app: App, limits: Limits, done: Callable[[Any, int, float], None]) -> None:
        self.app, self.limits, self.done = app, limits, done
        self.rates = Rates(limits.rate)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                added = [*HEADERS, (b"content-security-policy", POLICY)]
                message["headers"] = [*message["headers"], *((k, v) for k, v in added if k not in own)]
            await send(message)

        try:
            headers = dict(scope["headers"])
            refused = self._refused(scope, headers)
            if refused is None:
                body = await _body(headers, receive)
                if isinstance(body, bytes):
                    await self.app(scope, _replay(body, receive), answer)
                    return
                refused = body
            await refused(scope, receive, answer)
        finally:
            self.done(scope, status, time.perf_counter() - started)

    def _refused(self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> App | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self.limits.hosts and _without_port(host) not in self.limits.hosts:
            return problem(421, "this server does not answer to that host name: see --allowed-host")
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if origin and origin.partition("://")[2] != host:
            return problem(403, "this server answers to its own page only, not to a page of another origin")
        if not self.rates.allows((scope.get("client") or ("",))[0]):
            return problem(429, "too many requests from this address: wait a second", {"Retry-After": "1"})
        if scope["path"] not in OPEN and not self.limits.admits(headers):
            needed = "a token is needed: send Authorization: Bearer …, or open /?token=… in a browser"
            return problem(401, needed, {"WWW-Authenticate": "Bearer"})
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes | App:
    """Return the whole body, or the problem with it."""
    stated = headers.get(b"content-length", b"0")
    if stated == b"0" and b"transfer-encoding" not in headers:
        return b""
    found, size, more = bytearray(), 0, True
    try:
        async with asyncio.timeout(SLOWEST):
            while more and size <= DRAINED and int(stated) <= DRAINED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return problem(400, "the body ended too early: send all of it")
                size += len(part := message.get("body", b""))
                found += part if size <= LARGEST else b""
                more = message.get("more_body", False)
    except TimeoutError:
        late = f"the body did not arrive within {SLOWEST:g} seconds: send it at once"
        return problem(408, late, {"Connection": "close"})
    if more or size > LARGEST:
        large = f"the body has more than {LARGEST >> 10} KiB: send less"
        return problem(413, large, {"Connection": "close"})
    if found and not headers.get(b"content-type", b"").lower().startswith(b"application/json"):
        return problem(415, "the body is not declared as JSON: send Content-Type: application/json")
    return bytes(found)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
