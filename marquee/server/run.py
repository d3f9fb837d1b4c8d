"""Run the application until a signal ends it; requests in flight are answered first."""

from __future__ import annotations

import socket
from contextlib import suppress

import uvicorn

from marquee.server.app import application
from marquee.server.current import Current
from marquee.server.feedback import Feedback
from marquee.server.guard import LOOPBACK, Limits
from marquee.server.protocol import CONNECTIONS, Protocol

BACKLOG = 2048


def serve(
    current: Current,
    listening: socket.socket,
    feedback: str | None,
    token: str | None,
    hosts: tuple[str, ...],
    rate: float,
    proxy: str | None,
) -> None:
    """Answer on the bound socket. `hosts` are names of the server; with a token and none, any name will do.

    feedback  the address of the database; None: ratings are not stored
    proxy     the address whose X-Forwarded-For is believed
    """
    _allow_files(CONNECTIONS + 256)
    store = None if feedback is None else Feedback(feedback)
    limits = Limits(token, (*LOOPBACK, *hosts) if hosts or token is None else (), rate)
    config = uvicorn.Config(
        application(current, store, limits),
        http=Protocol,
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        backlog=BACKLOG,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run([listening])


def _allow_files(wanted: int) -> None:
    """Let this process open so many files, where the system allows it."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
