"""Read splits that others published: rows of train and test, and candidates, from their files.

Train and test are tab-separated lines `user item ...` in the release's own ids (ML-100K's u1.base and
the NCF paper's files, He et al., 2017); what follows the two is not read. Candidates are lines
`(user,item)` and then, tab-separated, the items to rank that item among.
"""

from __future__ import annotations

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
    return train, test


def read_candidates(
    folder: Path, file: str | None, user_ids: np.ndarray, movie_ids: np.ndarray
) -> tuple[Candidates, int]:
    """Return the candidates in `file`, in its order, and how many were the held-out item itself and dropped.

    Ids are as for `read_fold`.
    Raises MarqueeError for a file that is missing or broken or names an unknown user or item.
    """
    import pyarrow as pa

    path = _path(folder, file, "candidates.file")
    users, items = pa.array(user_ids), pa.array(movie_ids)
    lines, given_users, targets, lengths, listed = _candidate_lines(path, _reader(users), _reader(items))
    user = _find(given_users, users, path, lines)
    target = _find(targets, items, path, lines)
    item = _find(listed, items, path, np.repeat(lines, lengths))
    owner = np.repeat(user, lengths)
    keep = ~np.isin(owner * len(items) + item, user * len(items) + target)
    found = Candidates.of(owner[keep], item[keep].astype(np.int32), len(users))
    return found, int((~keep).sum())


def _path(folder: Path, file: str | None, key: str, also: str = "") -> Path:
    if not file:
        raise MarqueeError(f"{key} is not set: name the file, relative to {folder}")
    path = folder / file
    if not path.is_file():
        raise MarqueeError(f"{path} is missing: put it there or correct {key}{also}")
    return path


def _places(path: Path, user_ids: np.ndarray, movie_ids: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Where in the ascending `pairs` (user * n_items + item) each line of `path` is."""
    import pyarrow as pa

    users, items = pa.array(user_ids), pa.array(movie_ids)
    given_users, given_items = _columns(path, users.type, items.type)
    user, item = _index(given_users, users), _index(given_items, items)
    pair = np.where((user < 0) | (item < 0), -1, user * len(items) + item)
    place = np.minimum(np.searchsorted(pairs, pair), len(pairs) - 1)
    unknown = pairs[place] != pair
    if unknown.any():
        row = int(np.argmax(unknown))
        names = f"user {given_users[row]} and item {given_items[row]}"
        raise MarqueeError(
            f"{path} line {_line(path, row)}: {names} have no rating in this dataset; {ELSEWHERE}"
        )
    return place


def _columns(path: Path, *kinds: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """The first two columns of a tab-separated file."""
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
        place = f"{path} line {_broken_line(path, kinds)}"
        message = "expected a user and an item, tab-separated: correct the line"
        raise MarqueeError(f"{place}: {message}") from None
    return table["f0"].combine_chunks(), table["f1"].combine_chunks()


def _candidate_lines(path: Path, user_of: type, item_of: type) -> tuple[list, list, list, list, list]:
    """Of each line its number, user, held-out item and number of candidates; and all candidates in a row."""
    numbers, users, targets, lengths, listed = [], [], [], [], []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                head, *candidates = line.rstrip("\r\n").split("\t")
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
    """int64: the place of each value in `known`; MarqueeError with the line for one that is not there."""
    import pyarrow as pa

    place = _index(pa.array(values, known.type), known)
    if (place < 0).any():
        row = int(np.argmax(place < 0))
        raise MarqueeError(f"{path} line {lines[row]}: {values[row]} is not in this dataset; {ELSEWHERE}")
    return place


def _index(values: pa.Array, known: pa.Array) -> np.ndarray:
    """int64: the place of each value in `known`, -1 for one that is not there."""
    import pyarrow.compute as pc

    return pc.index_in(values, value_set=known).fill_null(-1).to_numpy().astype(np.int64)


def _reader(names: pa.Array) -> type:
    import pyarrow as pa

    return int if pa.types.is_integer(names.type) else str


def _line(path: Path, row: int) -> int:
    """The line of the `row`-th (from 0) line that is not blank."""
    with path.open(encoding="utf-8", errors="replace") as file:
        filled = (number for number, line in enumerate(file, 1) if line.strip())
        return next(islice(filled, row, None))


def _broken_line(path: Path, kinds: tuple[pa.DataType, ...]) -> int:
    """The first line that does not begin with two values of these kinds or is not as wide as the first."""
    import pyarrow as pa

    width = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            fields = line.strip("\r\n").split("\t")
            width = width or max(2, len(fields))
            ids = zip(fields, kinds, strict=False)
            fits = all(field.isdigit() for field, kind in ids if pa.types.is_integer(kind))
            if line.strip() and (len(fields) != width or not fits):
                return number
    return 1
