"""A finished fit with more epochs, or more patience, goes on from the checkpoint beside the model."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.training.checkpoint import continue_kept, goes_on, keep
from marquee.training.loop import train_epochs
from marquee.training.progress import FitProgress
from tests.training.test_loop import Walk


def fit(folder, epochs, patience=9, settings="a"):
    """As the stage does it; returns the weights, the curve and the epoch that was continued from."""
    walk, checkpoint = Walk(), folder / f"walk-{epochs}-{patience}.safetensors"
    kept = folder / "walk.checkpoint.safetensors"
    last = continue_kept(kept, checkpoint, settings, {"epochs": epochs, "patience": patience}, True)
    walk = Walk(seed=99) if last else walk
    progress = FitProgress(checkpoint=checkpoint, show=False)
    train_epochs(walk, epochs, patience, lambda: -abs(float(walk.place[0])), progress)
    keep(checkpoint, kept, settings)
    progress.close()
    assert not checkpoint.exists()
    return walk.place, progress.rows, last


@pytest.mark.parametrize(("first", "then"), [((3, 9), (8, 9)), ((8, 1), (8, 9)), ((8, 2), (12, 8))])
def test_more_epochs_or_patience_end_as_a_fit_from_scratch(tmp_path, first, then):
    before = fit(tmp_path / "one", *first)
    assert len(before[1]) < len(fit(tmp_path / "scratch", *then)[1])
    place, rows, last = fit(tmp_path / "one", *then)
    whole = fit(tmp_path / "other", *then)
    assert last == len(before[1])
    assert whole[2] == 0
    assert (rows, place.tobytes()) == (whole[1], whole[0].tobytes())
    kept = [tmp_path / name / "walk.checkpoint.safetensors" for name in ("one", "other")]
    assert kept[0].read_bytes() == kept[1].read_bytes()


@pytest.mark.parametrize(
    ("epochs", "patience", "settings"), [(5, 9, "a"), (4, 9, "a"), (9, 1, "a"), (9, 9, "b")]
)
def test_the_same_fit_a_shorter_one_and_another_one_start_from_scratch(tmp_path, epochs, patience, settings):
    fit(tmp_path, 5)
    found = fit(tmp_path, epochs, patience, settings)
    assert found[2] == 0
    np.testing.assert_array_equal(found[0], fit(tmp_path / "other", epochs, patience, settings)[0])


def test_a_damaged_checkpoint_counts_as_absent(tmp_path):
    fit(tmp_path, 5)
    kept = tmp_path / "walk.checkpoint.safetensors"
    for damage in (b"", kept.read_bytes()[:50], kept.read_bytes()[:-3], b"\0" * 200):
        kept.write_bytes(damage)
        assert continue_kept(kept, tmp_path / "c", "a", {"epochs": 9, "patience": 9}, True) == 0


def test_a_curve_that_patience_would_have_cut_is_not_continued():
    rows = [{"validation": value} for value in (0.5, 0.4, 0.3, 0.6)]
    assert goes_on(rows, 9, 3)
    assert not goes_on(rows, 9, 2), "two epochs without a better one end it before the fourth"
    assert not goes_on(rows, 4, 3), "nothing is left to do"
    assert goes_on(rows, 9, 2, higher_is_better=False), "one epoch without a better one"
    assert not goes_on(rows, 9, 1, higher_is_better=False)
    assert goes_on([{"loss": 1.0}] * 3, 4, 1), "without validation nothing ends it early"
