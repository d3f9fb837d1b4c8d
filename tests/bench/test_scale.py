"""The bench of scale ends a stage beyond its limits, and its forecast is that of its formula."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.process_tree import Limits, watched
from bench.scale import STEPS, forecast, millions
from marquee.errors import MarqueeError


def started(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code])


def test_a_stage_is_ended_where_it_holds_more_than_it_may():
    process = started("import time; held = b'x' * (200 << 20); time.sleep(60)")
    with pytest.raises(MarqueeError, match=r"0\.1"):
        watched(process, Limits(0.1, 1))
    assert process.returncode


def test_what_a_stage_holds_and_takes_is_counted_with_its_children():
    child = "import time; held = b'x' * (64 << 20); time.sleep(1.5)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    used = watched(started(code), Limits(4, 4))
    assert 0.06 < used.driver < 0.5
    assert used.executors == 0
    assert used.processor_seconds > 0


def test_the_forecast_of_a_step_that_follows_the_formula_is_what_is_measured():
    def seconds(n: int, workers: int) -> float:
        return 4 + 1e-6 * n + 8e-6 * n / workers

    rows = [
        {
            "step": step,
            "ratings": str(n),
            "workers": str(w),
            "seconds": str(seconds(n, w)),
            "executor_seconds": str(3 * w + 8e-6 * n),
        }
        for step in STEPS
        for n in (3_000_000, 10_000_000, 30_000_000)
        for w in (1, 2)
    ]
    n = 30_000_000
    for row, name in zip(forecast(rows), STEPS, strict=True):
        step, ratings, *expected = row
        assert (step, ratings) == (name, n)
        assert [float(cell) for cell in expected] == pytest.approx(
            [seconds(n, workers) for workers in (1, 2, 10, 100, 1, 2)], abs=0.06
        )


def test_sizes_are_millions():
    assert millions("32,3.2") == [3.2, 32.0]
    with pytest.raises(Exception, match="no list of millions"):
        millions("many")
