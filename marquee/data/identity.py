"""The identity of a data set, {"name", "fingerprint"}, which models and results carry with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from marquee.errors import MarqueeError
from marquee.io import reading

Identity = Mapping[str, str]
MOVIES = Path("data/movies.parquet")
SHOWN = 8  # digits of a fingerprint in a message


def identity_of(movies: Path = MOVIES) -> dict[str, str]:
    """Return the identity of the data that `ingest` wrote."""
    import pyarrow.parquet as pq

    with reading(movies):
        about = json.loads((pq.read_schema(movies).metadata or {}).get(b"catalogue", b"{}"))
    if "fingerprint" not in about:
        raise MarqueeError(f"{movies} was written by another version: run `dvc repro ingest`")
    return {key: about[key] for key in ("name", "fingerprint")}


def label(data: Identity) -> str:
    """`ml-100k (3f2a9c1d)`."""
    return f"{data['name']} ({data['fingerprint'][:SHOWN]})"


def require_same(found: Identity | None, data: Identity, what: str, where: str, remedy: str) -> None:
    """Raise MarqueeError where `what` is of other data than that of `where`; None: it does not say."""
    if found is None:
        raise MarqueeError(f"{what} was stored by another version: {remedy}")
    if found["fingerprint"] != data["fingerprint"]:
        raise MarqueeError(f"{what} was made from {label(found)}, but {where} holds {label(data)}: {remedy}")
