"""uvicorn's protocol with limits on connections, and on the time and size of a request's head."""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from marquee.server.problems import problem

CONNECTIONS = 4096  # open at once; a further one is refused
HEAD_SECONDS = 10.0  # for all headers of a request, from the connection or from the first byte on
HEAD_BYTES = 64 << 10


class Protocol(HttpToolsProtocol):
    """Close a connection whose request does not begin, or whose headers do not end."""

    _deadline: TimerHandle | None = None
    _head = 0  # bytes of a request whose headers have not ended

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            self._refuse(503, "too many connections: try again later")
        else:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self.cycle is None or self.cycle.response_complete:  # between two requests
            self._expect_head()
            self._head += len(data)
        super().data_received(data)
        if self._head > HEAD_BYTES and self._deadline is not None:
            self._refuse(431, f"the headers have more than {HEAD_BYTES >> 10} KiB: send less")

    def on_headers_complete(self) -> None:
        self._head = 0
        self._cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is no HTTP request: correct it")

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        self._refuse(408, f"the headers did not arrive within {HEAD_SECONDS:g} seconds: send them at once")

    def _refuse(self, status: int, detail: str) -> None:
        self._cancel()
        if self.transport.is_closing():
            return
        answer: Any = problem(status, detail, {"Connection": "close"})
        head = [f"HTTP/1.1 {status} {status}".encode(), *(b": ".join(one) for one in answer.raw_headers)]
        self.transport.write(b"\r\n".join([*head, b"", answer.body]))
        self.transport.close()
