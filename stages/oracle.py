"""Stage `oracle`: what the ground truth of simulated data attains; nothing for any other data."""

from __future__ import annotations

from os.path import lexists
from pathlib import Path

from marquee import config
from marquee.evaluation import test_set
from marquee.io import atomic_folder, read_parquet
from marquee.leaderboard.table import ORACLE
from marquee.simulator.ground_truth import GroundTruth, Oracle
from stages import _inputs
from stages._runner import phase, run


def main(params: config.Params) -> None:
    truth = Path("data/raw/truth.safetensors")
    with atomic_folder(Path("data/oracle")) as folder:
        if not lexists(truth):
            return
        ids, law = _inputs.original_ids(), GroundTruth.load(truth)
        if ids[0].max() > len(law.user_bias):
            print("no oracle: the ground truth knows nothing of the visitors whose ratings were added")
            return
        users = read_parquet(Path("data/users.parquet")).to_pydict()
        oracle = Oracle(law, *ids, _inputs.positive_threshold(params))
        for task in config.TASKS:
            with phase("scoring", f"{ORACLE}_{task}"):
                held_out = _inputs.test_set(task, params)
                result = held_out.evaluate(oracle)
            groups = held_out.grouped_by(result, users)
            test_set.store(result, {"model": ORACLE, "task": task}, folder / task, groups=groups)


if __name__ == "__main__":
    run(main)
