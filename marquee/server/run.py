"""Run the application until a signal ends it; requests in flight are answered first."""

from __future__ import annotations

import socket
from contextlib import suppress

import uvicorn

from marquee.server.app import application
from marquee.server.current import Current
from marquee.server.feedback import Feedback as Feedback
from marquee.server.guard import LOOPBACK, Limits
from marquee.server.learning import Learner as Learner
from marquee.server.protocol import CONNECTIONS, Protocol

BACKLOG = 2048


def limits(token: str | None, hosts: tuple[str, ...], rate: float) -> Limits:
    """Return the limits for a server with these names; with a token and no name, any name will do."""
    return Limits(token, (*LOOPBACK, *hosts) if hosts or token is None else (), rate)


def serve(
    current: Current,
    store: Feedback | None,
    allowed: Limits,
    listening: socket.socket,
    proxy: str | None = None,
    learner: Learner | None = None,
) -> None:
    """Answer on a socket that listens. `proxy` is the address whose X-Forwarded-For is believed."""
    _allow_files(CONNECTIONS + 256)
    config = uvicorn.Config(
        application(current, store, allowed, learner),
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
