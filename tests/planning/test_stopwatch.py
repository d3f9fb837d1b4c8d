"""What is timed apart: every name stands for something, and is itself again afterwards."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from marquee.foundation.progress import FitProgress
from marquee.planning.stopwatch import EPOCH, PARTS, stopwatch

NAMES = [EPOCH, *(name for names in PARTS.values() for name in names)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_timed_apart_is_there(name):
    assert callable(resolve_name(name))


def test_each_report_ends_an_epoch_and_the_whole_is_not_less_than_its_epochs(tmp_path):
    progress, before = FitProgress("als_mf", tmp_path / "checkpoint"), FitProgress.report
    with stopwatch() as row:
        for epoch in (1, 2):
            progress.report(epoch, 2, {"validation": 1.0})
    assert len(row["epochs"]) == 2
    assert sum(clock for clock, _ in row["epochs"]) <= row["whole"][0]
    assert row["validation"] == row["saving"] == row["reading"] == [0.0, 0.0]
    assert FitProgress.report is before
