"""List the releases: address, checksum, counts and license of each."""

from __future__ import annotations

from dataclasses import dataclass

from marquee.errors import MarqueeError, did_you_mean

GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
CLOSED = "research with acknowledgement; no redistribution, no commercial use without GroupLens' permission"
OPEN = "research with acknowledgement; redistribution on the same terms, no commercial use without permission"
STARS = (1.0, 5.0, 1.0)
HALF_STARS = (0.5, 5.0, 0.5)
FILES: dict[str, tuple[str, ...]] = {
    "ml-100k": ("u.data", "u.item", "u.user"),
    "ml-1m": ("ratings.dat", "movies.dat", "users.dat"),
    "ml-10m": ("ratings.dat", "movies.dat"),
    "csv": ("ratings.csv", "movies.csv"),
    "ncf": ("ml-1m.train.rating.no_timestamp", "ml-1m.test.rating", "ml-1m.test.negative"),
    "sasrec": ("ml-1m.txt", "sas_to_original_users.txt", "sas_to_original_items.txt"),
    "custom": (),
}


@dataclass(frozen=True)
class Release:
    """Describe one published set of ratings.

    name     the value of `dataset.name`
    layout   which parser reads it: ml-100k, ml-1m, ml-10m, csv, ncf, sasrec or custom
    licence  one line
    scale    lowest rating, highest, and the step between two; None: as the ratings themselves show
    url      the official zip; None where there is none
    size     bytes of that zip; 0 where there is none
    md5      published for that zip; None where the zip changes over time, so that `<url>.md5` has to be asked
    counts   ratings, users with one and movies with one; None where these change or are not known beforehand
    usual_counts  the same where they may change: those of the edition that everyone has
    kaggle   owner/name of the Kaggle dataset with the same files, if there is one
    """

    name: str
    layout: str
    licence: str
    scale: tuple[float, float, float] | None = STARS
    url: str | None = None
    size: int = 0
    md5: str | None = None
    counts: tuple[int, int, int] | None = None
    usual_counts: tuple[int, int, int] | None = None
    kaggle: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The files that its parser needs; any other file beside them is kept."""
        return FILES[self.layout]


# md5: GroupLens' own `<url>.md5`, which for 10m to 25m the file datasets/movielens/dl_config.py of
# github.com/eli-osherovich/papers_with_code repeats; size: the Content-Length in published download logs.
# Users and rated movies: codex.lenskit.org/movielens for 10m and 20m, seljuk.me's comparison for 25m, the
# statistics that users of 32m publish; a movie that nobody rated does not count.
SIMULATED = "synthetic-100k"  # of ML-100K's size, unless `simulator` in params.yaml is changed
_ALL = (
    Release(SIMULATED, "ml-100k", "none: simulated, free to use", counts=(100_000, 943, 1_682)),
    Release(
        # Since 2018-09; it may change at any time. Before, it had 100,004 ratings by 671 users.
        "ml-latest-small",
        "csv",
        OPEN,
        HALF_STARS,
        url=f"{GROUPLENS}ml-latest-small.zip",
        size=978_202,
        usual_counts=(100_836, 610, 9_724),
        kaggle="shubhammehta21/movie-lens-small-latest-dataset",
    ),
    Release(
        "ml-100k",
        "ml-100k",
        CLOSED,
        url=f"{GROUPLENS}ml-100k.zip",
        size=4_924_029,
        md5="0e33842e24a9c977be4e0107933c0723",
        counts=(100_000, 943, 1_682),
        kaggle="prajitdatta/movielens-100k-dataset",
    ),
    Release(
        "ml-1m",
        "ml-1m",
        CLOSED,
        url=f"{GROUPLENS}ml-1m.zip",
        size=5_917_549,
        md5="c4d9eecfca2ab87c1945afe126590906",
        counts=(1_000_209, 6_040, 3_706),
        kaggle="odedgolden/movielens-1m-dataset",
    ),
    Release(
        "ml-10m",
        "ml-10m",
        CLOSED,
        HALF_STARS,
        url=f"{GROUPLENS}ml-10m.zip",
        size=65_566_137,
        md5="ce571fd55effeba0271552578f2648bd",
        counts=(10_000_054, 69_878, 10_677),
        kaggle="amirmotefaker/movielens-10m-dataset-latest-version",
    ),
    Release(
        "ml-20m",
        "csv",
        CLOSED,
        HALF_STARS,
        url=f"{GROUPLENS}ml-20m.zip",
        size=198_702_078,
        md5="cd245b17a1ae2cc31bb14903e1204af3",
        counts=(20_000_263, 138_493, 26_744),
    ),
    Release(
        "ml-25m",
        "csv",
        CLOSED,
        HALF_STARS,
        url=f"{GROUPLENS}ml-25m.zip",
        size=261_978_986,
        md5="6b51fb2759a8657d3bfcbfc42b592ada",
        counts=(25_000_095, 162_541, 59_047),
        kaggle="garymk/movielens-25m-dataset",
    ),
    Release(
        "ml-32m",
        "csv",
        OPEN,
        HALF_STARS,
        url=f"{GROUPLENS}ml-32m.zip",
        size=238_950_008,
        md5="d472be332d4daa821edc399621853b57",
        counts=(32_000_204, 200_948, 84_432),
        kaggle="justsahil/movielens-32m",
    ),
    Release("ncf-ml-1m", "ncf", CLOSED, size=4_201_293, counts=(1_000_209, 6_040, 3_706)),
    # the order of Kang and McAuley (2018): movies with five ratings or more
    Release("sasrec-ml-1m", "sasrec", CLOSED, None, size=2_525_972, counts=(999_611, 6_040, 3_416)),
    Release("custom", "custom", "your own", scale=None),
)
RELEASES = {one.name: one for one in _ALL}


def release(name: str) -> Release:
    """Return the release of that name. Raises MarqueeError for an unknown one."""
    if name not in RELEASES:
        raise MarqueeError(f"dataset.name is {name!r}, which is no release{did_you_mean(name, RELEASES)}")
    return RELEASES[name]
