"""Spark for the tests that are marked `spark`; they skip where PySpark or Java is missing."""

from __future__ import annotations

import pytest

from marquee.engine import session
from marquee.errors import MarqueeError

CLUSTER = "local-cluster[2,1,2048]"  # two executors, in processes of their own
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"  # a JVM that starts soon, for a minute's work


def pytest_collection_modifyitems(items) -> None:
    """Run what needs a cluster last, in all files: it starts once."""
    items.sort(key=lambda item: "cluster" in item.nodeid)


@pytest.fixture
def spark(monkeypatch):
    """Choose Spark on a master, which stays for the next test that asks for the same one."""
    try:
        session._require_java()
    except MarqueeError as error:
        pytest.skip(str(error))

    def choose(master: str = "local[2]", partitions: int | None = None) -> None:
        monkeypatch.setenv("MARQUEE_ENGINE", "spark")
        monkeypatch.setenv("MARQUEE_SPARK_MASTER", master)
        options = (f"spark.{who}.extraJavaOptions={QUICK}" for who in ("driver", "executor"))
        monkeypatch.setenv("MARQUEE_SPARK_CONF", ";".join(options))
        monkeypatch.setenv("MARQUEE_SPARK_PARTITIONS", str(partitions or ""))

    return choose
