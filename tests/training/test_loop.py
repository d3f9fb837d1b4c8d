"""The loop: it stops early, keeps the best, and a killed fit ends as an undisturbed one."""

from __future__ import annotations

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.training.loop import train_epochs
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed


class Walk:
    """A trainee whose only weight takes a random step each epoch, with a momentum to remember."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.place, self.momentum = np.zeros(1), np.zeros(1)

    def train_epoch(self):
        self.momentum = 0.9 * self.momentum + self.rng.normal(size=1)
        self.place = self.place + self.momentum
        return {"loss": float(self.place[0] ** 2)}

    def weights(self):
        return {"place": self.place.copy()}

    def load_weights(self, arrays):
        self.place = arrays["place"]

    def optimizer_state(self):
        return {"momentum": self.momentum}, {"rng": self.rng.bit_generator.state}

    def load_optimizer_state(self, arrays, metadata):
        self.momentum = arrays["momentum"]
        self.rng.bit_generator.state = metadata["rng"]


def scripted(values):
    left = iter(values)
    return lambda: next(left)


def test_it_stops_after_patience_epochs_without_a_better_value_and_keeps_the_best():
    walk, progress = Walk(), FitProgress(show=False)
    best = train_epochs(walk, 10, 2, scripted([0.1, 0.5, 0.4, 0.3, 0.9]), progress)
    assert best == 2
    assert [row["epoch"] for row in progress.rows] == [1, 2, 3, 4]
    again = Walk()
    again.train_epoch()
    again.train_epoch()
    np.testing.assert_array_equal(walk.place, again.place)


def test_an_error_metric_is_better_when_lower():
    assert (
        train_epochs(Walk(), 4, 9, scripted([3, 1, 2, 4]), FitProgress(show=False), higher_is_better=False)
        == 2
    )


def test_of_equal_values_the_first_is_kept():
    assert train_epochs(Walk(), 3, 9, scripted([0.5, 0.5, 0.5]), FitProgress(show=False)) == 1


def test_without_a_validation_the_last_epoch_counts():
    progress = FitProgress(show=False)
    assert train_epochs(Walk(), 7, 1, None, progress) == 7
    assert len(progress.rows) == 7


def test_a_loss_that_is_not_finite_names_the_epoch_and_the_parameter():
    walk = Walk()
    walk.train_epoch = lambda: {"loss": float("inf")}
    with pytest.raises(MarqueeError, match="not finite in epoch 1: lower learning_rate"):
        train_epochs(walk, 3, 1, None, FitProgress(show=False))


@pytest.mark.parametrize("last", [1, 3, 6])
def test_a_fit_killed_after_any_epoch_ends_as_an_undisturbed_one(tmp_path, last):
    def value(walk):
        return lambda: -abs(float(walk.place[0]))

    whole, rows = Walk(), FitProgress(show=False)
    train_epochs(whole, 8, 3, value(whole), rows)
    killed = Walk()
    checkpoint = tmp_path / "walk.safetensors"
    with pytest.raises(Killed):
        train_epochs(killed, 8, 3, value(killed), CrashingProgress(checkpoint, min(last, len(rows.rows))))
    resumed, progress = Walk(seed=99), FitProgress(checkpoint=checkpoint, show=False)
    train_epochs(resumed, 8, 3, value(resumed), progress)
    np.testing.assert_array_equal(resumed.place, whole.place)
    assert progress.rows == rows.rows
    progress.close()
    assert not checkpoint.exists()


def test_the_curve_is_a_table_with_empty_cells_for_what_a_model_lacks():
    progress = FitProgress(show=False)
    progress.report(1, 1, {"validation": 0.25})
    assert progress.table() == (["epoch", "loss", "train", "validation"], [[1, "", "", 0.25]])
