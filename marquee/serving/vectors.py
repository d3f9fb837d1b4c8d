"""Write vectors and what they belong to: Parquet, and the two TSV files that embedding projectors load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marquee.errors import MarqueeError
from marquee.io import as_column, atomic_file, write_parquet, write_text
from marquee.recommenders.base import Recommender
from marquee.terminal import printable

MOST = 1 << 28  # numbers in one file: 1 GiB as Parquet, a few as TSV
SIDES = ("movies", "users")


def vectors_of(model: Recommender, factors: bool, name: str) -> dict[str, np.ndarray]:
    """Return float32 [n_items, d] for `movies` and [n_users, any] for `users`.

    factors  False: vectors of length 1, whose cosines are the similarities of `marquee similar` and of the
             maps. True: the model's factors, whose products are its scores

    Raises MarqueeError for a model without factors and for more than MOST numbers.
    """
    if factors:
        found = model.factors()
        if found is None:
            raise MarqueeError(f"{name} has no factors: leave out --factors for the vectors of its maps")
        users, movies = found
        return {"movies": movies.astype(np.float32), "users": users.astype(np.float32)}
    width = model.unit_embeddings(np.arange(1)).shape[1]
    if width * model.n_items > MOST:
        raise MarqueeError(
            f"{name} describes each of {model.n_items:,} movies by {width:,} numbers, too many for a file: "
            "choose a model with factors"
        )
    items, users = np.arange(model.n_items), np.arange(model.n_users)
    return {"movies": model.unit_embeddings(items), "users": model.unit_user_embeddings(users)}


def write_vectors(folder: Path, side: str, vectors: np.ndarray, about: Mapping[str, Sequence[Any]]) -> None:
    """Write `<side>.parquet`, `<side>_vectors.tsv` and `<side>_metadata.tsv`; row i of each is one vector.

    vectors  float32 [n, d]
    about    columns of n values, in the order of the metadata
    """
    import pyarrow as pa

    numbers = as_column(vectors.reshape(-1))
    columns = {name: pa.array(values) for name, values in about.items()}
    columns["vector"] = pa.FixedSizeListArray.from_arrays(numbers, vectors.shape[1])
    write_parquet(folder / f"{side}.parquet", pa.table(columns))
    with atomic_file(folder / f"{side}_vectors.tsv") as partial, partial.open("wb") as file:
        np.savetxt(file, vectors, fmt="%.6g", delimiter="\t", newline="\n")
    lines = ["\t".join(about), *("\t".join(map(_cell, row)) for row in zip(*about.values(), strict=True))]
    write_text(folder / f"{side}_metadata.tsv", "\n".join(lines) + "\n")


def _cell(value: Any) -> str:
    """Return a value as one cell; an empty one reads as `-`, since a projector shows no row without words."""
    words = "|".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return " ".join(printable(words).split()) or "-"
