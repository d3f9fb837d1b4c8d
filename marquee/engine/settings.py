"""Read the variables that choose an engine, none of which changes a byte of a result."""

from __future__ import annotations

import os
import re

from marquee.errors import MarqueeError, did_you_mean

ENGINES = ("local", "spark")


def on_spark() -> bool:
    """Return whether blocks are mapped on Spark. Raises MarqueeError for an unknown engine."""
    chosen = os.environ.get("MARQUEE_ENGINE", "") or "local"
    if chosen not in ENGINES:
        raise MarqueeError(f"MARQUEE_ENGINE is {chosen!r}{did_you_mean(chosen, ENGINES)}")
    return chosen == "spark"


def spark_master() -> str:
    return os.environ.get("MARQUEE_SPARK_MASTER", "") or "local[*]"


def spark_conf() -> dict[str, str]:
    """Return the settings of MARQUEE_SPARK_CONF. Raises MarqueeError for what is no `key=value`."""
    pairs = re.split(r"[;\n]", os.environ.get("MARQUEE_SPARK_CONF", ""))
    found = {}
    for pair in filter(None, (pair.strip() for pair in pairs)):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise MarqueeError(
                f"MARQUEE_SPARK_CONF has {pair!r}: write key=value pairs with `;` between, "
                "such as spark.executor.memory=8g;spark.executor.cores=4"
            )
        found[key.strip()] = value.strip()
    return found


def spark_partitions() -> int | None:
    """Return the partitions of a job, None for the default. Raises MarqueeError for what is no number."""
    asked = os.environ.get("MARQUEE_SPARK_PARTITIONS", "").strip()
    if not asked:
        return None
    if not asked.isdecimal() or not int(asked):
        raise MarqueeError(
            f"MARQUEE_SPARK_PARTITIONS is {asked!r}, but must be a whole number of at least 1: unset it"
        )
    return int(asked)
