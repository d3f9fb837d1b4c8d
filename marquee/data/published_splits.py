"""Read splits that others published: rows of train and test, and candidates, from their files.

Train and test are tab-separated lines `user item ...` in the release's own ids (ML-100K's u1.base and
the NCF paper's files, He et al., 2017); what follows the two is not read. Candidates are lines
`(user,item)` and then, tab-separated, the items to rank that item among.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee.data.ratings import Ratings
from marquee.data.sampling import Candidates
from marquee.data.splits import RowIndices
from marquee.errors import MarqueeError

if TYPE_CHECKING:
    import pyarrow as pa

ELSEWHERE = "use the release that these files belong to"


def read_fold(
    folder: Path,
    train_file: str | None,
    test_file: str | None,
    user_ids: np.ndarray,
    movie_ids: np.ndarray,
    ratings: Ratings,
) -> RowIndices:
    """Return the rows of `ratings` in each file, in its order, int64, ready for `splits.split`.

    `user_ids` [n_users] and `movie_ids` [n_items] are the release's names (numbers or text) of our ids.
    Raises MarqueeError for a file that is missing or broken or names a pair without a rating.
    """
    pairs = ratings.user.astype(np.int64) * len(movie_ids) + ratings.item
    order = np.argsort(pairs)
    train, test = (
        order[_places(_path(folder, file, key, " or fold"), user_ids, movie_ids, pairs[order])]
        for file, key in ((train_file, "train_file"), (test_file, "test_file"))
    )
    if len(both := np.intersect1d(train, test)):
        pair = f"user {user_ids[ratings.user[both[0]]]} and item {movie_ids[ratings.item[both[0]]]}"
        raise MarqueeError(f"{train_file} and {test_file} share a row ({pair}): remove it from one of them")
    return train, test


def read_candidates(
    folder: Path, file: str | None, user_ids: np.ndarray, movie_ids: np.ndarray
) -> tuple[Candidates, int]:
    """Return the candidates in `file`, in its order, and how many were the held-out item itself.

    Ids are as for `read_fold`.
    Raises MarqueeError for a file that is missing or broken or names an unknown user or item.
    """
    import pyarrow as pa

    path = _path(folder, file, "candidates.file")
    users, items = pa.array(user_ids), pa.array(movie_ids)
    types = (int if pa.types.is_integer(ids.type) else str for ids in (users, items))
    lines, given_users, targets, lengths, listed = _candidate_lines(path, *types)
    user = _find(given_users, users, path, lines)
    target = _find(targets, items, path, lines)
    item = _find(listed, items, path, np.repeat(lines, lengths))
    owner = np.repeat(user, lengths)
    itself = np.isin(owner * len(items) + item, user * len(items) + target)
    return Candidates.of(owner, item.astype(np.int32), len(users)), int(itself.sum())


def _path(folder: Path, file: str | None, key: str, also: str = "") -> Path:
    if not file:
        raise MarqueeError(f"{key} is not set: name the file, relative to {folder}")
    path = folder / file
    if not path.is_file():
        raise MarqueeError(
            f"{path} is missing: correct {key}{also}, or put the file beside your ratings in dataset.path, "
            "with a name that ends in .base, .train, .test or .negative"
        )
    return path


def _places(path: Path, user_ids: np.ndarray, movie_ids: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Find where in the ascending `pairs` (user * n_items + item) each line of `path` is."""
    import pyarrow as pa

    users, items = pa.array(user_ids), pa.array(movie_ids)
    given_users, given_items = _columns(path, users.type, items.type)
    user, item = _index(given_users, users), _index(given_items, items)
    pair = np.where((user < 0) | (item < 0), -1, user * len(items) + item)
    place = np.minimum(np.searchsorted(pairs, pair), len(pairs) - 1)
    unknown = pairs[place] != pair
    if unknown.any():
        row = int(np.argmax(unknown))
        raise MarqueeError(
            f"{path} line {_line(path, row)}: user {given_users[row]} and item {given_items[row]} "
            f"have no rating in this dataset; {ELSEWHERE}"
        )
    return place


def _columns(path: Path, *kinds: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Return the first two columns of a tab-separated file."""
    import pyarrow as pa
    from pyarrow import csv

    kind_of = dict(zip(("f0", "f1"), kinds, strict=True))
    try:
        table = csv.read_csv(
            path,
            csv.ReadOptions(autogenerate_column_names=True),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(column_types=kind_of, include_columns=list(kind_of), null_values=[]),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        raise MarqueeError(
            f"{path} line {_broken_line(path, kinds)}: expected a user and an item, tab-separated: "
            "correct the line"
        ) from None
    return table["f0"].combine_chunks(), table["f1"].combine_chunks()


def _candidate_lines(path: Path, user_of: type, item_of: type) -> tuple[list, list, list, list, list]:
    """Return each line's number, user, held-out item and number of candidates; and all candidates."""
    numbers, users, targets, lengths, listed = [], [], [], [], []
    for number, line in _lines(path):
        try:
            head, *candidates = line.split("\t")
            user, target = head.removeprefix("(").removesuffix(")").split(",")
            users.append(user_of(user))
            targets.append(item_of(target))
            listed.extend([item_of(candidate) for candidate in candidates])
        except ValueError:
            raise MarqueeError(
                f"{path} line {number}: expected (user,item) then items, tab-separated: correct the line"
            ) from None
        numbers.append(number)
        lengths.append(len(candidates))
    return numbers, users, targets, lengths, listed


def _find(values: list, known: pa.Array, path: Path, lines: list | np.ndarray) -> np.ndarray:
    """Return the place of each value in `known`, int64. Raises MarqueeError at the line of a missing one."""
    import pyarrow as pa

    place = _index(pa.array(values, known.type), known)
    if (place < 0).any():
        row = int(np.argmax(place < 0))
        raise MarqueeError(f"{path} line {lines[row]}: {values[row]} is not in this dataset; {ELSEWHERE}")
    return place


def _index(values: pa.Array, known: pa.Array) -> np.ndarray:
    """Return the place of each value in `known`, int64, -1 for a missing one."""
    import pyarrow.compute as pc

    return pc.index_in(values, value_set=known).fill_null(-1).to_numpy().astype(np.int64)


def _line(path: Path, row: int) -> int:
    """Return the number of the `row`-th (from 0) line that is not blank."""
    filled = (number for number, line in _lines(path) if line.strip())
    return next(islice(filled, row, None))


def _broken_line(path: Path, kinds: tuple[pa.DataType, ...]) -> int:
    """Find the first line that does not begin with two values of these kinds or is not as wide as line 1."""
    import pyarrow as pa

    width = 0
    for number, line in _lines(path):
        fields = line.split("\t")
        width = width or max(2, len(fields))
        ids = zip(fields, kinds, strict=False)
        fits = all(field.isdigit() for field, kind in ids if pa.types.is_integer(kind))
        if line.strip() and (len(fields) != width or not fits):
            return number
    return 1


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line's number, from 1, and its text."""
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from enumerate((line.rstrip("\r\n") for line in file), 1)
