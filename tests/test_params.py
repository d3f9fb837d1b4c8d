"""params.yaml as one tree, and the file of this repository itself: its form, its comments, its values."""

from __future__ import annotations

import dataclasses
import difflib
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml

from marquee import config, recommenders
from marquee.config import presets
from marquee.data.ratings import lowest_positive
from marquee.errors import MarqueeError
from tests.all_models import PARAMS

HERE = Path(__file__).parents[1] / "params.yaml"
TEXT = HERE.read_text("utf-8")
LOADED = config.load(HERE)
ENTRY = {"task": "ranking", "train_data": "ranking", "algorithm": "ease", "regularization": "1e2"}


def tree(**blocks: object) -> config.Params:
    return config.parse(config.Params, {**LOADED, **blocks}, "")


def refused(**blocks: object) -> str:
    with pytest.raises(MarqueeError) as caught:
        tree(**blocks)
    return str(caught.value)


def refused_file(text: str, folder: Path) -> str:
    path = folder / "params.yaml"
    path.write_text(text)
    with pytest.raises(MarqueeError) as caught:
        config.read(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_the_file_is_one_tree():
    params = config.read(HERE)
    assert params.seed == 2024
    assert params.tasks["rating"].split == "random_per_user"
    assert params.evaluate.ks == (5, 10, 20)
    assert params.model("ease").options["regularization"] == 300.0


def test_an_unknown_block_is_answered_with_the_nearest_known_one(tmp_path):
    text = refused_file("seed: 1\nnegativs: {}", tmp_path)
    assert text.startswith("negativs is not a parameter; did you mean 'negatives'?")


def test_broken_yaml_is_named_by_file_and_line(tmp_path):
    assert refused_file("seed: 1\n  a: [", tmp_path).startswith("params.yaml line 2: not readable as YAML")


def test_an_empty_or_missing_file_is_refused(tmp_path):
    assert "has no blocks" in refused_file("", tmp_path)
    with pytest.raises(MarqueeError, match="is missing; run from the repository's top folder"):
        config.read(tmp_path / "none.yaml")


def test_a_model_entry_divides_common_keys_from_the_algorithms_own():
    entry = tree(models={"ease_100": ENTRY}).model("ease_100")
    assert (entry.task, entry.train_data, entry.algorithm) == ("ranking", "ranking", "ease")
    assert entry.options == {"regularization": "1e2"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"task": "ranknig"}, "models.m.task is 'ranknig'; did you mean 'ranking'?"),
        ({"train_data": "negative"}, "models.m.train_data is 'negative'; did you mean 'negatives'?"),
        ({"train_data": "rating"}, "models.m.train_data is 'rating', which would show a ranking model"),
        ({"task": "rating", "train_data": "negatives"}, "models.m.train_data is 'negatives'"),
        ({"task": None}, "models.m.task is missing"),
    ],
)
def test_a_wrong_common_key_is_named(changed, words):
    entry = {key: value for key, value in {**ENTRY, **changed}.items() if value is not None}
    assert words in refused(models={"m": entry})


def test_an_unknown_model_is_answered_with_the_nearest_one():
    with pytest.raises(MarqueeError, match=r"models.eas is not in params.yaml; did you mean 'ease'\?"):
        tree(models={"ease": ENTRY}).model("eas")


def test_a_seed_must_be_a_whole_number_from_zero():
    assert refused(seed=-1) == "seed is -1, but must be at least 0"
    assert "seed is None, but must be a whole number" in refused(seed=None)


def test_a_threshold_is_for_ranking_only():
    rating = {"split": "random", "positive_threshold": 4}
    assert "tasks.rating.positive_threshold" in refused(tasks={**LOADED["tasks"], "rating": rating})


@pytest.mark.parametrize(
    ("asked", "low", "high", "step", "least"),
    [
        ("auto", 1, 5, 1, 4),
        (None, 0.5, 5, 0.5, 4),
        ("auto", 1, 10, 1, 8),
        ("auto", 0, 100, 1, 75),
        ("auto", -10, 10, 1, 5),
        ("auto", 0, 1, 0.1, 0.8),
        ("auto", 0, 1, 0, 0.75),
        ("auto", 1, 1, 1, 1),
        ("75%", 0.5, 5, 0.5, 4),
        ("50%", 1, 10, 1, 6),
        ("0%", -10, 10, 1, -10),
        ("100%", 0, 100, 1, 100),
        ("12.5%", 0, 1, 0, 0.125),
        (3, 1, 5, 1, 3),
        (0, -10, 10, 1, 0),
    ],
)
def test_ratings_are_positive_from_three_quarters_of_the_scale(asked, low, high, step, least):
    assert lowest_positive(asked, low, high, step) == pytest.approx(least)


def test_every_entry_is_accepted_by_its_algorithm():
    for name, entry in PARAMS.models.items():
        recommenders.create(entry.algorithm, entry.task, entry.options, f"models.{name}")


def diff(path: Path) -> list[str]:
    lines = difflib.ndiff(TEXT.splitlines(), path.read_text("utf-8").splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.fixture
def copy(tmp_path) -> Path:
    (tmp_path / "params.yaml").write_text(TEXT, "utf-8")
    return tmp_path / "params.yaml"


def test_the_file_is_as_dvc_writes_it(copy):
    with modify_yaml(str(copy)):
        pass
    assert copy.read_text("utf-8") == TEXT


@pytest.mark.parametrize(
    ("override", "removed", "added"),
    [
        ("seed=7", ["seed: 2024"], ["seed: 7"]),
        ("dataset.name=ml-1m", ["name: synthetic-100k"], ["name: ml-1m"]),
        ("simulator.half_stars=true", ["half_stars: false"], ["half_stars: true"]),
        ("ingest.columns.genres=kind", ["genres: genres"], ["genres: kind"]),
        ("tasks.rating.test_file=b.tsv", ["test_file: u{fold}.test"], ["test_file: b.tsv"]),
        ("tasks.ranking.positive_threshold=3.5", ["positive_threshold: auto"], ["positive_threshold: 3.5"]),
        ("tasks.ranking.positive_threshold=75%", ["positive_threshold: auto"], ["positive_threshold: 75%"]),
        ("negatives.alpha=1e-05", ["alpha: 0.75"], ["alpha: 1e-05"]),
        ("candidates.file=x.tsv", ["file:"], ["file: x.tsv"]),
        ("models.mf_bce.weight_decay=1e-05", ["weight_decay: 1.0e-6"], ["weight_decay: 1e-05"]),
        ("models.als_genres.init_std=0.2", ["init_std: 0.1"], ["init_std: 0.2"]),
        ("evaluate.ks=[5,10]", ["- 20"], []),
        ("evaluate.ks=[1,5,10,20]", [], ["- 1"]),
        ("evaluate.ks=[5,10,100]", ["- 20"], ["- 100"]),
        ("compare.k=5", ["k: 10"], ["k: 5"]),
        ("report.title=Mine", ["title: Marquee"], ["title: Mine"]),
    ],
)
def test_an_override_changes_its_own_line_only(copy, override, removed, added):
    apply_overrides(copy, [override])
    changed = diff(copy)
    assert [line[2:].strip() for line in changed if line[0] == "-"] == removed
    assert [line[2:].strip() for line in changed if line[0] == "+"] == added
    config.read(copy)


def test_no_comment_or_blank_line_follows_a_list():
    """DVC's dumper drops it when the list changes."""
    lines = TEXT.splitlines()
    after = [then for line, then in pairwise(lines) if line.lstrip().startswith("- ")]
    assert [line for line in after if not line or line.lstrip().startswith("#")] == []


SELF_EXPLAINING = {"users", "min_ratings_per_user", "user", "movie", "rating"}


def test_a_key_is_explained_where_it_first_stands():
    """In params.yaml, or in the file of more models where it is new there."""
    seen, unexplained, before = set(), [], ""
    for line in f"{TEXT}\n{presets.MORE_MODELS.read_text('utf-8')}".splitlines():
        key, colon, value = line.strip().partition(":")
        if colon and value and not key.startswith("#"):
            if key not in seen | SELF_EXPLAINING and not before.lstrip().startswith("#"):
                unexplained.append(line)
            seen.add(key)
        before = line
    assert unexplained == []


def test_reading_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path; from marquee import config; config.read(Path('params.yaml'));"
    )
    heavy = "{'numpy', 'pyarrow', 'msgspec', 'pydantic', 'ruamel.yaml', 'dvc'} & set(sys.modules)"
    command = [sys.executable, "-c", f"{code} print({heavy} or 'none')"]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"


def declared(key: str) -> dataclasses.Field:
    """The field of the tree behind a dotted key; `*` stands for any task, model or column."""
    kind, field = config.Params, None
    for name in key.split("."):
        if get_origin(kind) is Mapping:
            kind = get_args(kind)[1] if name == "*" or name in config.TASKS else None
            continue
        names = {one.name: one for one in dataclasses.fields(kind)}
        field = next(iter(names.values())) if name == "*" else names[name]  # all columns have one type
        kind = get_type_hints(kind)[field.name]
    assert field is not None
    return field


def in_words(field: dataclasses.Field) -> str:
    bounds = field.metadata
    if "choices" in bounds:
        return ", ".join(f"`{word}`" for word in bounds["choices"])
    if field.type == "bool":
        return "true, false"
    above, below = (f"{word} {bounds[word]}" if word in bounds else "" for word in ("above", "below"))
    low, high = (str(bounds[word]) if word in bounds else "" for word in ("low", "high"))
    if low and (high or below):
        return f"{low} to {high or below}"
    return f"{low} or more" if low else ", ".join(filter(None, (above, below)))


def test_the_page_of_parameters_states_the_bounds_of_the_tree():
    page = (HERE.parent / "docs/reference/params.md").read_text("utf-8").partition("## Which key")[0]
    stated = {}
    for names, values in re.findall(r"^\| (`.*?) \| (.*?) \|", page, re.M):
        first, *others = re.findall(r"`([^`]+)`", names)
        stated |= dict.fromkeys([first, *(f"{first.rpartition('.')[0]}.{name}" for name in others)], values)
    in_prose = {"tasks.*.split", "compare.k", "evaluate.ks"}
    expected = {key: in_words(declared(key)) for key in stated.keys() - in_prose}
    assert {key: stated[key] for key, words in expected.items() if words} == {
        key: words for key, words in expected.items() if words
    }


def test_a_file_that_was_cut_off_is_no_other_run(tmp_path):
    """DVC writes the file in place: a kill may leave a part of it, and fewer models would be pruned."""
    content, path = HERE.read_bytes(), tmp_path / "params.yaml"
    end = content.index(b"\n  ks:")
    for n in range(0, end, 97):
        path.write_bytes(content[:n])
        with pytest.raises(MarqueeError):
            config.read(path)
