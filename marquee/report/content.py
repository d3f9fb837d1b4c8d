"""What stands on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marquee.figures.leaderboard import Row
from marquee.figures.learning_curve import Curve


@dataclass(frozen=True)
class ReportContent:
    """Everything on the page; nothing else is looked up.

    title        of the page
    card         data/dataset.json, what `movielens` says of the release, with its name and licence
    rows         every value, as `marquee.leaderboard.table.compare` makes them
    headline     task -> the metric that decides it, in the order of the page
    confidence   of the intervals and of what is called significant
    curves       model -> its learning curve
    pictures     model -> kind of picture -> its SVG (`figures.inline.svg`) and its caption (plain text)
    item         int [n], the movie of each rating
    timestamp    int64 [n], its Unix seconds
    recommended  model -> `figures.comparison.tail_shares` of its lists, in the order to draw
    learned      the same of the training ratings
    coverage     model -> share of the catalogue that is in anybody's list
    params       params.yaml
    data_hash    SHA-256 of data/ratings.parquet
    versions     package -> version
    command      the line that makes this page again
    """

    title: str
    card: Mapping[str, Any]
    rows: Sequence[Row]
    headline: Mapping[str, str]
    confidence: float
    curves: Mapping[str, Curve]
    pictures: Mapping[str, Mapping[str, tuple[str, str]]]
    item: np.ndarray
    timestamp: np.ndarray
    recommended: Mapping[str, Sequence[float]]
    learned: Sequence[float]
    coverage: Mapping[str, float]
    params: Mapping[str, Any]
    data_hash: str
    versions: Mapping[str, str]
    command: str
