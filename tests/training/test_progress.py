"""A checkpoint that does not read, or belongs to another fit, counts as absent, and the fit says so."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from marquee.data.ratings import Catalogue, Ratings
from marquee.io import read_arrays, write_arrays
from marquee.recommenders import create
from marquee.recommenders.base import TrainingData
from marquee.training.progress import FitProgress
from tests.crash import CrashingProgress, Killed
from tests.tampering import ANY, Damage, missing, weights_flipped, weights_not_a_number

SETTINGS = {
    "als": ("rating", {"dim": 3, "epochs": 5}),
    "sgd_mf": ("rating", {"dim": 3, "epochs": 5}),
    "mf_bce": ("ranking", {"dim": 3, "epochs": 5, "batch_size": 64}),
    "autorec": ("rating", {"hidden_dim": 3, "epochs": 5}),
}


def data(task: str) -> TrainingData:
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers(0, [20, 15], (200, 2)), axis=0)
    rating = rng.integers(1, 6, len(pairs)) if task == "rating" else 1.0
    whole = Ratings.of(pairs[:, 0], pairs[:, 1], rating)
    held_out = np.arange(len(whole)) % 5 == 0
    train = whole.take(~held_out)
    if task == "ranking":
        sampled = rng.integers(0, 15, (len(train), 2), np.int32)
        train = replace(train, negatives=sampled, sampling='{"sampling": "uniform", "alpha": 0.75}')
    return TrainingData(train, whole.take(held_out), Catalogue.of(20, 15))


def fit(algorithm: str, progress: FitProgress):
    task, options = SETTINGS[algorithm]
    model = create(algorithm, task, options, "models.x")
    return model.fit(data(task), np.random.default_rng(3), progress)


def interrupted(algorithm: str, checkpoint) -> None:
    with pytest.raises(Killed):
        fit(algorithm, CrashingProgress(checkpoint, 2))


def rewritten(change) -> Damage:
    """A whole checkpoint with other contents: `change(arrays, metadata)`."""

    def damage(path, chance):
        arrays, text = read_arrays(path)
        note = json.loads(text)
        change(arrays, note)
        write_arrays(path, arrays, json.dumps(note))

    return damage


def other_shape(arrays, note):
    for name in [name for name in arrays if name.startswith(("now/", "best/"))]:
        arrays[name] = arrays[name].reshape(-1)[: arrays[name].size // 2].copy()


def not_finite(arrays, note):
    name = next(name for name in arrays if name.startswith("now/") and arrays[name].size)
    arrays[name] = np.full_like(arrays[name], np.nan if arrays[name].dtype.kind == "f" else 1)


def other_fit(arrays, note):
    note["fit"] = "another"


def no_metadata(arrays, note):
    note["metadata"] = {}


def no_rows(arrays, note):
    del note["rows"]


def wrong_types(arrays, note):
    note["metadata"] = {"epoch": "two", "best_epoch": None, "best_value": [], "optimizer": 3}


CHANGES = (other_shape, not_finite, other_fit, no_metadata, no_rows, wrong_types)
DAMAGES = {
    **{damage.__name__: damage for damage in ANY if damage is not missing},
    **{damage.__name__: damage for damage in (weights_not_a_number, weights_flipped)},
    **{change.__name__: rewritten(change) for change in CHANGES},
}


def same(one, other) -> None:
    (a, state), (b, other_state) = one.state(), other.state()
    assert state == other_state
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_counts_as_absent_and_the_fit_says_so(tmp_path, capsys, damage):
    checkpoint = tmp_path / "als-1234.safetensors"
    interrupted("als", checkpoint)
    damage(checkpoint, random.Random(1))
    progress = FitProgress("als", checkpoint, show=False)
    same(fit("als", progress), fit("als", FitProgress(show=False)))
    (line,) = capsys.readouterr().err.splitlines()
    assert "als-1234.safetensors cannot be used, training starts afresh" in line
    assert [row["epoch"] for row in progress.rows] == [1, 2, 3, 4, 5]
    progress.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("algorithm", SETTINGS)
@pytest.mark.parametrize("change", [other_shape, wrong_types], ids=lambda change: change.__name__)
def test_every_trainer_starts_afresh_from_a_checkpoint_that_does_not_fit(tmp_path, algorithm, change):
    checkpoint = tmp_path / "x.safetensors"
    interrupted(algorithm, checkpoint)
    rewritten(change)(checkpoint, random.Random(1))
    same(fit(algorithm, FitProgress("x", checkpoint, show=False)), fit(algorithm, FitProgress(show=False)))


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_another_models_checkpoint_under_this_name_is_not_continued(tmp_path, algorithm):
    other = "als" if algorithm != "als" else "sgd_mf"
    interrupted(other, tmp_path / "x.safetensors")
    progress = FitProgress("x", tmp_path / "x.safetensors", show=False)
    same(fit(algorithm, progress), fit(algorithm, FitProgress(show=False)))


def test_a_checkpoint_that_cannot_be_written_stops_no_training(tmp_path, capsys):
    (tmp_path / "file").write_text("in the place of the folder")
    progress = FitProgress("als", tmp_path / "file/als.safetensors", show=False)
    same(fit("als", progress), fit("als", FitProgress(show=False)))
    (line,) = capsys.readouterr().err.splitlines()
    assert "no checkpoint is kept" in line
