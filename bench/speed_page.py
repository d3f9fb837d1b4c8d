"""docs/speed.md and its pictures from bench/results/*.csv, and nothing else: `python -m bench.speed_page`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench import scaling
from bench.benchmarks import BENCHMARKS, Benchmark, System
from bench.results_page import _table as markdown
from bench.runner import ROOT
from bench.sizes import SIZES
from bench.speed_picture import draw
from bench.table import IMAGES, Row, read
from bench.tuning import trials
from bench.venvs import PEERS
from marquee.io import write_text

PAGE = ROOT / "docs/speed.md"
INTRODUCTION = """\
# Speed beside others

What `make bench` measured: Marquee and other Python recommenders on the same machine, the same arrays
and the same split, by turns. Every figure below comes from `bench/results/*.csv`, which it writes.

```
make bench                                    # all contests at their usual sizes; hours
make bench CONTEST=ials PEER=implicit SIZE=25M REPEATS=3
make bench CONTEST=sgd SIZE=ml-1m SOURCE=folder   # real data: the folder with ml-1m.zip
```

Sizes: `ml-100k` and `ml-1m` are real; `1M`, `4M`, `16M`, `25M`, `32M` are simulated with as many users
and movies as MovieLens has, kept as arrays in `.bench/`. Each peer runs in an environment of its own,
`.bench/envs/`, with the versions of `bench/peers/*.txt`. A run that was broken off goes on where it
stopped; what was measured stays until the committed library or a setting changes, or `.bench/work` is
deleted. A peer that fails is a line of its table.

**What is timed.** A round fits every system once, each in a process of its own; passes after the first
count (it compiles or warms up), their median is the round's figure. Tables have the median of the
rounds, and the least and the most. *Ours / theirs* is the median of the ratios within rounds. For times
below 1 is faster, for rates above 1. A pass of ours is the time between two reports of a fit: it holds
the kernel, the loss that the learning curve shows and the copy of the weights that early stopping keeps.
A peer's pass is what its own callback or training step says, or, where all passes are one call, that
call divided by them; reading data is in none. *Peak* is the most memory the process held. *Threads*:
where a system may use one or two, both were tried at that size and the faster one taken. Who has one
round beside others' three is told of for comparison only.

**What is compared.** Settings were chosen on validation rows (`python -m bench.tuning`): each system
tries a grid of its own at f = 64, at the sizes of the last table (`bench/results/tuning.csv` has every
trial); another size takes the settings of the nearest tuned one, and who was never tuned has the first
of its grid in `bench/benchmarks.py`. Then each fits training and validation rows and is scored on
the test rows by Marquee's evaluation: RMSE of clipped predictions on a random tenth, NDCG@10 of
everyone's last positive over the whole catalogue. *(A ratio in brackets does not count)*: Marquee was
less accurate there, or accuracy was not measured at that f.
"""
UNITS = {
    "s": "seconds of one {pass_}",
    "M/s": "million pairs (ours: positives and negatives) or triples a second",
}


def page() -> str:
    parts = [INTRODUCTION]
    if (IMAGES / "peers.png").is_file():
        parts.append("![Ours beside each peer](images/peers.png)\n")
    parts += [section for contest in BENCHMARKS.values() for section in _contest(contest)]
    parts += _plain("ranking", "Top-10 and every metric for everyone", RANKING)
    parts += _plain("data_path", "From CSV to splits and negatives, beside polars' least", DATA_PATH)
    parts += _plain("data_path_duckdb", "The same beside duckdb's least", DATA_PATH)
    parts += _plain("floors", "Kernels beside the machine's limits", FLOORS)
    if read("scaling"):
        parts += _plain("scaling", "How sweeps grow with the data", SCALING)
        parts.append("![Seconds of a sweep by ratings](images/scaling.png)\n")
    parts += ["## Settings, and where they were chosen\n", _settings(), *_unequal()]
    pins = ", ".join(f"`bench/peers/{path.name}`" for path in sorted(PEERS.glob("*.txt")))
    return "\n".join([*parts, f"Versions: {pins}.\n"])


def _contest(contest: Benchmark) -> list[str]:
    found = read(contest.key)
    if not found:
        return []
    unit = UNITS[contest.unit].format(pass_=contest.pass_)
    head = ["data", "f", "system", "threads", contest.unit, "least to most", "rounds", "ours / theirs"]
    name = "RMSE" if contest.metric == "rmse" else "NDCG@10"
    rows = [_cells(row) for row in found]
    return [f"## {contest.title}\n", f"In {unit}.\n", markdown([*head, name, "peak"], rows)]


def _cells(row: Row) -> list[str]:
    start = [row["size"], row["dim"], row["system"], row["threads"]]
    if not row["median"]:
        return [*start, "failed", row["note"].replace("|", "/")[:60], "", "", "", ""]
    ratio = row["ratio"] and f"{row['ratio']} ({row['ratio_low']} to {row['ratio_high']})"
    if ratio and row["as_good"] != "yes":
        ratio = f"[{ratio}]"
    accuracy = row["accuracy"].removeprefix("0") or "—"
    spread = f"{row['low']} to {row['high']}"
    return [*start, row["median"], spread, row["rounds"], ratio or "—", accuracy, f"{row['peak_mib']} MiB"]


RANKING = (
    "`bench/topk.py`: exact lists, ranks among candidates and all metrics of ours against implicit's "
    "`recommend` alone, users a second; factors are random numbers (drawn) or of `ials` (fitted)."
)
DATA_PATH = (
    "`bench/data_pipeline.py`: our stages as processes, interpreter and all, against a script that reads the "
    "CSV, filters, makes ids contiguous, splits off each user's last and writes Parquet."
)
FLOORS = (
    "`bench/roofline.py`, f = 64: what a pass has to do at least (docstrings there) over its seconds, as a "
    "share of what this machine does: float32 matrix products of 2048 x 2048, copies that no cache holds, "
    "copies within a core's cache. A share of memory above 1 says that rows stayed in a cache, whose "
    "bandwidth is the limit then."
)
SCALING = (
    "`bench/scaling.py`, f = 64, two threads: seconds of a sweep. Users and movies grow with the ratings, as "
    "from ML-1M to ML-32M."
)


def _plain(name: str, title: str, words: str) -> list[str]:
    found = read(name)
    if not found:
        return []
    head = list(found[0])
    return [
        f"## {title}\n",
        f"{words}\n",
        markdown([column.replace("_", " ") for column in head], [[row[c] for c in head] for row in found]),
    ]


def _settings() -> str:
    """The best trial of each system at each size, and how many there were."""
    rows: list[Sequence[str]] = []
    for contest in BENCHMARKS.values():
        sign = 1 if contest.metric == "rmse" else -1
        for size in SIZES:
            for entrant in contest.entrants:
                own = _tried(contest, size, entrant)
                done = [row for row in own if row["validation"] != "nan"]
                if done:
                    best = min(done, key=lambda r: sign * float(r["validation"]))
                    words = ", ".join(f"{key} {value}" for key, value in json.loads(best["settings"]).items())
                    figure = f"{float(best['validation']):.4f}".removeprefix("0")
                    rows.append([entrant.name, size, words, figure, str(len(own))])
    return markdown(["system", "chosen on", "settings", "validation", "trials"], rows)


def _unequal() -> list[str]:
    """Where rivals did not search as long as we did, or we not as long as they."""
    found = []
    for contest in BENCHMARKS.values():
        rivals = [entrant for entrant in contest.entrants if entrant.rounds > 1]
        for size in SIZES:
            counts = {e.name: len(_tried(contest, size, e)) for e in rivals if size in e.sizes}
            if len(set(counts.values())) > 1:
                told = ", ".join(f"{name} {count}" for name, count in counts.items())
                found.append(f"{contest.key} on {size} ({told})")
    return [f"Searches of unequal length: {'; '.join(found)}.\n"] if found else []


def _tried(contest: Benchmark, size: str, entrant: System) -> list[Row]:
    wanted = (contest.key, size, entrant.name)
    return [row for row in trials() if (row["contest"], row["size"], row["system"]) == wanted]


def main() -> None:
    draw()
    scaling.draw()
    write_text(PAGE, page())
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
