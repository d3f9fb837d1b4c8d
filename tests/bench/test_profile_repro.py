"""Every second of a run belongs to one part, and an import is one wherever it happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from bench.profile_repro import CLOCK, account

ROOT = Path(__file__).parents[2]


def test_an_import_inside_a_fit_does_not_count_as_fitting():
    fit = {"phase": "fitting", "began": 102.0, "seconds": 5.0}
    row = {"stage": "train@m", "began": 101.0, "start_up": 0.5, "seconds": 7.0, "phases": [fit]}
    spent = account(10.0, [row], [(99.0, 0.3), (100.75, 0.25), (103.0, 1.0), (107.5, 0.125)])
    assert spent["fitting"] == pytest.approx(4)
    assert spent["imports"] == pytest.approx(1.375)
    assert spent["interpreters"] == pytest.approx(0.25)
    assert spent["files of models and metrics"] == pytest.approx(1.875)
    assert spent["DVC"] == pytest.approx(2.5)


def test_the_clock_records_each_outermost_import_once(tmp_path):
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "stages.ingest", "too", "many"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(CLOCK), "MARQUEE_IMPORTS": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    took = time.time() - started
    assert done.returncode == 1, done.stderr
    (log,) = tmp_path.iterdir()
    spans = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    assert len(spans) > 5
    assert 0 < sum(seconds for _, seconds in spans) < took
    ends = [(moment - seconds, moment) for moment, seconds in spans]
    assert all(before[1] <= after[0] + 1e-3 for before, after in pairwise(ends)), "nested"
