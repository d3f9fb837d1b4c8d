"""params.yaml block by block, and the file of this repository itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from marquee import config, recommenders
from marquee.errors import MarqueeError

HERE = Path(__file__).parents[1] / "params.yaml"
ENTRY = {"task": "ranking", "train_data": "ranking", "algorithm": "ease", "regularization": "1e2"}


def refused(text: str, folder: Path) -> str:
    path = folder / "params.yaml"
    path.write_text(text)
    with pytest.raises(MarqueeError) as caught:
        config.read(path)
    return str(caught.value)


def test_an_unknown_block_is_answered_with_the_nearest_known_one(tmp_path):
    assert "negativs is not a block" in refused("negativs: {}", tmp_path)
    assert "did you mean 'negatives'?" in refused("negativs: {}", tmp_path)


def test_broken_yaml_is_named_by_file_and_line(tmp_path):
    assert "params.yaml line 2: not readable as YAML" in refused("seed: 1\n  a: [", tmp_path).replace(
        str(tmp_path) + "/", ""
    )


def test_an_empty_or_missing_file_is_refused(tmp_path):
    assert "holds no blocks" in refused("", tmp_path)
    with pytest.raises(MarqueeError, match="is missing; run from the repository's top folder"):
        config.read(tmp_path / "none.yaml")


def test_a_model_entry_divides_common_keys_from_the_algorithms_own():
    entry = config.model({"models": {"ease_100": ENTRY}}, "ease_100")
    assert (entry.task, entry.train_data, entry.algorithm) == ("ranking", "ranking", "ease")
    assert entry.options == {"regularization": "1e2"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"task": "ranknig"}, "models.m.task is 'ranknig'; did you mean 'ranking'?"),
        ({"train_data": "negative"}, "models.m.train_data is 'negative'; did you mean 'negatives'?"),
        ({"task": None}, "models.m.task is missing"),
    ],
)
def test_a_wrong_common_key_is_named(changed, words):
    entry = {key: value for key, value in {**ENTRY, **changed}.items() if value is not None}
    with pytest.raises(MarqueeError) as caught:
        config.model({"models": {"m": entry}}, "m")
    assert words in str(caught.value)


def test_an_unknown_model_is_answered_with_the_nearest_one():
    with pytest.raises(MarqueeError, match=r"models.eas is not in params.yaml; did you mean 'ease'\?"):
        config.model({"models": {"ease": ENTRY}}, "eas")


def test_a_seed_must_be_a_whole_number_from_zero():
    assert config.seed({"seed": 7}) == 7
    with pytest.raises(MarqueeError, match="seed is -1, but must be at least 0"):
        config.seed({"seed": -1})
    with pytest.raises(MarqueeError, match="seed is missing"):
        config.seed({})


def test_every_line_of_this_repositorys_file_is_explained():
    lines = HERE.read_text().splitlines()
    unexplained = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if ":" in line
        and not line.lstrip().startswith("#")
        and not line.endswith(":")
        and "#" not in line
        and not before.lstrip().startswith("#")
    ]
    assert unexplained == []


def test_a_model_cannot_take_the_oracles_name():
    with pytest.raises(MarqueeError, match="oracle is the planted truth; rename it"):
        config.model({"models": {"oracle": ENTRY}}, "oracle")


def test_every_entry_is_accepted_by_its_algorithm():
    models = yaml.safe_load((HERE.parent / "params.yaml").read_text())
    for name in models["models"]:
        entry = config.model(models, name)
        recommenders.create(entry.algorithm, entry.task, entry.options, f"models.{name}")
