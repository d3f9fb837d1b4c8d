"""Compare `marquee judge` with the same leak check and NDCG@10 in plain pandas.

200,000 users have a list of ten items each, and 7.9 million training pairs. Both read the same Parquet
files, by turns and each in a process of its own; their NDCG@10 must be equal. Seconds are those of the
processor, imports included. --write puts them, their ratio and the peak memory into bench/results/judge.csv.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from bench.output import ROOT, environment, parser, publish
from marquee.errors import MarqueeError
from marquee.io import as_table, write_parquet

USERS, ITEMS, TRAIN, LENGTH = 200_000, 20_000, 7_900_000, 10
HEADER = ("who", "processor_seconds", "ratio", "peak_mib")
PANDAS = """
import json, sys
import numpy as np
import pandas as pd
train, test, lists = (pd.read_parquet(f"{sys.argv[1]}/{name}.parquet") for name in ("train", "test", "lists"))
assert lists.merge(train, on=["user", "item"]).empty, "a listed pair was seen"
lists = lists.sort_values(["user", "score", "item"], ascending=[True, False, True])
lists["rank"] = lists.groupby("user").cumcount() + 1
hits = lists.merge(test, on=["user", "item"])
gain = (1 / np.log2(hits["rank"] + 1)).groupby(hits["user"]).sum()
relevant = test.groupby("user").size()
ideal = np.append(0, np.cumsum(1 / np.log2(np.arange(2, 12))))[relevant.clip(upper=10)]
print(json.dumps((gain.reindex(relevant.index, fill_value=0) / ideal).mean()))
"""


def prepare(folder: Path) -> None:
    """Write train, test and lists of distinct pairs, the lists without training pairs."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, USERS, 2 * TRAIN) * ITEMS + (ITEMS * rng.random(2 * TRAIN) ** 2.5).astype(int)
    train = rng.permutation(np.unique(pairs))[:TRAIN]
    free = np.unique(np.repeat(np.arange(USERS), 16) * ITEMS + rng.integers(0, ITEMS, 16 * USERS))
    free = free[~np.isin(free, train)]
    place = np.arange(len(free)) - np.searchsorted(free, free // ITEMS * ITEMS)  # within the user's
    for name, found in (("train", train), ("test", free[::7]), ("lists", free[place < LENGTH])):
        columns = {"user": found // ITEMS, "item": found % ITEMS}
        scores = {"score": rng.random(len(found))} if name == "lists" else {}
        write_parquet(folder / f"{name}.parquet", as_table(columns | scores))


def measure(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return the NDCG@10 that it prints, its processor seconds and its peak memory in MiB."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = json.loads(process.stdout.read() or "null")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise MarqueeError(f"{command[1]} failed: see its message above")
    ndcg = next(iter(found.values()))["ndcg@10"] if isinstance(found, dict) else found
    return ndcg, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    command = parser(__doc__)
    command.add_argument("--repeats", type=int, default=3)
    given = command.parse_args()
    with TemporaryDirectory(prefix="judge-") as scratch:
        folder = Path(scratch)
        # In another process: a child's peak memory is at least that of its parent when it started.
        code = (
            "import sys; from pathlib import Path; from bench import judge; judge.prepare(Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", code, scratch], cwd=ROOT, env=environment(), check=True)
        files = [str(folder / f"{name}.parquet") for name in ("lists", "train", "test")]
        words = ["judge", files[0], "--train", files[1], "--test", files[2], "--resamples", "0", "--json"]
        sides = ([sys.executable, "-m", "marquee", *words], [sys.executable, "-c", PANDAS, scratch])
        runs = [[measure(side) for side in sides] for _ in range(given.repeats)]
    if any(abs(ours[0] - theirs[0]) > 1e-9 for ours, theirs in runs):
        raise MarqueeError(f"NDCG@10 is {runs[0][0][0]} and {runs[0][1][0]}: it must be the same")
    ratio = median(ours[1] / theirs[1] for ours, theirs in runs)
    rows = [
        [who, round(median(run[n][1] for run in runs), 2), value, round(max(run[n][2] for run in runs))]
        for n, (who, value) in enumerate((("marquee judge", round(ratio, 2)), ("pandas", "")))
    ]
    publish("judge", HEADER, rows, given.write)


if __name__ == "__main__":
    try:
        main()
    except MarqueeError as error:
        raise SystemExit(f"judge: {error}") from None
