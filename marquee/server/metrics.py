"""Counts of the server for Prometheus."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from marquee.server.current import Current

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """Count requests by route, never by what a visitor wrote into an address."""

    def __init__(self, current: Current) -> None:
        own = self.registry = CollectorRegistry()
        self._requests = Counter("marquee_requests", "Requests.", ["route", "status"], registry=own)
        self._seconds = Histogram("marquee_seconds", "Seconds.", ["route"], buckets=SECONDS, registry=own)
        self.stored = Counter("marquee_feedback_ratings", "Ratings stored.", registry=own)
        for name, about, value in (
            ("marquee_models", "Models served.", lambda: len(current.snapshot.models)),
            ("marquee_swaps", "Times that the models were replaced.", lambda: current.swaps),
            ("marquee_models_since", "Unix time at which they were.", lambda: current.since),
        ):
            Gauge(name, about, registry=own).set_function(value)

    def done(self, scope: Any, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)
