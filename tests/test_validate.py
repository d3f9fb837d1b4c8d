"""`marquee check` refuses beforehand what a later stage would, and names that could destroy, in one line."""

from __future__ import annotations

import time
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from marquee import config, recommenders, validate
from marquee.cli.main import main
from marquee.config import TASKS
from marquee.config.names import require_name
from marquee.config.presets import flatten
from marquee.errors import MarqueeError
from marquee.resources.pipeline_sizes import pipeline_sizes
from tests.config_mutations import BAD_NAMES, mutated

TEXT = (Path(__file__).parents[1] / "params.yaml").read_text("utf-8")
TREE = config.load(Path(__file__).parents[1] / "params.yaml")
EASE = {"task": "ranking", "train_data": "ranking", "algorithm": "ease"}
NEGATIVES = {"ranking": {"mf_bce", "neural_mf"}, "rating": set[str]()}  # who learns from sampled negatives


def dumped(tree: dict[str, Any]) -> str:
    return yaml.dump(tree, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True)


def checked(path: Path) -> str | None:
    """What `marquee check` says of the file; None where it accepts it."""
    try:
        params = config.read(path)
        validate.require_valid(params)
        validate.require_machine(params, validate.known_sizes(params))
    except MarqueeError as fault:
        return str(fault)
    return None


@pytest.fixture(autouse=True)
def room(monkeypatch) -> None:
    """Memory that does not depend on what else this machine does."""
    monkeypatch.setenv("MARQUEE_MEMORY", "64")


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "params.yaml"


def said(path: Path, changes: dict[str, Any]) -> str | None:
    """What the check says of params.yaml with some dotted keys changed."""
    tree = deepcopy(TREE)
    for key, value in changes.items():
        *blocks, last = key.split(".")
        block = tree
        for name in blocks:
            block = block[name]
        block[last] = value
    path.write_text(dumped(tree), "utf-8")
    return checked(path)


def test_the_file_of_the_repository_is_accepted(path):
    path.write_text(TEXT)
    assert checked(path) is None


@pytest.mark.parametrize("algorithm", recommenders.algorithms())
def test_a_model_learns_from_its_own_task_or_the_negatives_of_it(path, algorithm):
    """Every pair of task and training file: data/rating holds most of the ranking test, and so on."""
    for task, train_data in product(TASKS, (*TASKS, "negatives", "candidates", "test", "../rating", None)):
        entry = {"task": task, "train_data": train_data, "algorithm": algorithm}
        able = task in recommenders.import_module(f"marquee.recommenders.{algorithm}").Model.tasks
        right = able and train_data == ("negatives" if algorithm in NEGATIVES[task] else task)
        fault = said(path, {"models": {"x": entry}, "demo.model": ""})
        assert (fault is None) == right, (entry, fault)
        assert right or "models.x.t" in str(fault)  # the task, or the training data


def test_a_rating_file_for_a_ranking_model_is_refused_by_every_stage(path):
    """`config.read` is the first call of every stage, so nothing has run by then."""
    path.write_text(TEXT.replace("train_data: ranking", "train_data: rating"))
    with pytest.raises(MarqueeError, match=r"models.popularity.train_data is 'rating', which would show"):
        config.read(path)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_be_more_than_a_name_is_refused_by_every_stage(path, name):
    path.write_text(dumped({**TREE, "models": {name: EASE}}), "utf-8")
    with pytest.raises(MarqueeError, match="cannot be a name") as caught:
        config.read(path)
    assert str(caught.value).isprintable()


def test_the_rule_says_what_a_name_may_be():
    for name in (12, True, "two words"):
        with pytest.raises(MarqueeError, match="use 1 to 64 letters, digits, - and _"):
            require_name(name, "models")
    for name in ("a", "_", "0a", "ease_2", "A-b", "x" * 64):
        require_name(name, "models")


@pytest.mark.parametrize("command", ["plan", "check"])
def test_a_fault_is_one_line_of_the_command(path, monkeypatch, capsys, command):
    monkeypatch.chdir(path.parent)
    path.write_text(TEXT.replace("algorithm: ease", "algorithm: base"))
    assert main([command]) == 1
    assert capsys.readouterr().err.startswith(f"marquee {command}: models.ease.algorithm is 'base'")


def test_names_that_differ_in_capitals_alone_are_one_folder_elsewhere(path):
    assert "are one folder on Windows and macOS" in str(said(path, {"models.Ease": EASE}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models.bias.sweeps": 10**9}, "models.bias.sweeps is 1000000000, but must be at most 1000"),
        ({"compare.k": 7}, "compare.k is 7, but evaluate.ks has 5, 10, 20"),
        ({"evaluate.ks": []}, "evaluate.ks is []"),
        ({"evaluate.ks": [10, 10]}, "evaluate.ks is [10, 10], but must be a list of different lengths"),
        ({"evaluate.ks": [10, 2000]}, "evaluate.ks has 2000, but synthetic-100k has 1,682 movies"),
        ({"tasks.rating.test": 0.6, "tasks.rating.validation": 0.4}, "leave nothing to train on"),
        ({"tasks.rating.test": 1.0}, "tasks.rating.test is 1.0, but must be below 1"),
        ({"tasks.rating.split": "k_fold", "tasks.rating.fold": 6}, "tasks.rating.fold is 6, but there are 5"),
        ({"tasks.rating.split": "sliding_window", "tasks.rating.fold": 6}, "fold is 6, but there are 5"),
        ({"tasks.rating.train_days": 0}, "tasks.rating.train_days is 0.0, but must be above 0"),
        ({"tasks.rating.split": "file"}, "synthetic-100k has no published split"),
        ({"tasks.rating.split": "file", "tasks.rating.train_file": None}, "tasks.rating.train_file is empty"),
        (
            {"tasks.rating.split": "file", "tasks.rating.train_file": "u{fold}.test"},
            "which would show every model its test data",
        ),
        ({"candidates.file": "ml-1m.test.negative"}, "synthetic-100k has no such file"),
        ({"candidates.file": "../../x"}, "must be the name of a file in data/raw"),
        ({"candidates.per_user": 10**6}, "candidates.per_user is 1000000, but must be at most 100000"),
        ({"tasks.ranking.positive_threshold": None}, "tasks.ranking.positive_threshold is missing"),
        ({"tasks.ranking.positive_threshold": "high"}, "a number or auto or a percentage such as 75%"),
        ({"tasks.ranking.positive_threshold": 6}, "no rating of synthetic-100k is above 5"),
        ({"ingest.min_rating": 5.5}, "ingest.min_rating is 5.5, but no rating of synthetic-100k is above 5"),
        ({"ingest.k_core.users": 0}, "ingest.k_core.users is 0, but must be at least 1"),
        ({"dataset.name": "sasrec-ml-1m"}, "`marquee use next-item-ml-1m` leaves ranking models only"),
        ({"tasks.rating.positive_threshold": 4}, "tasks.rating.positive_threshold has no use"),
        (
            {"compare.bootstrap_samples": 100, "compare.confidence": 0.98},
            "too few to compare 5 rating models",
        ),
        ({"compare.bootstrap_samples": 10**12}, "must be at most 100000"),
        ({"compare.confidence": 0.9999999}, "compare.confidence is 0.9999999, but must be at most 0.999"),
        ({"models": {}}, "models is empty"),
        ({"models": None}, "models is empty"),
        ({"models.ease": None}, "models.ease.task is missing"),
        ({"seed": 10**400}, "seed is 1000"),
        ({"seed": True}, "seed is True, but must be a whole number"),
        ({"simulator.noise": float("inf")}, "simulator.noise is inf, but must be a number"),
        ({"models.mf_bce.dim": 10**12}, "models.mf_bce.dim is 1000000000000, but must be at most"),
        ({"models.mf_bce.dim": 10**9}, "models.mf_bce.dim"),  # more memory than any machine has
        (
            {"models.mf_bce.resample_negatives": False, "models.mf_bce.negatives_per_positive": 9},
            "negatives_per_positive of mf_bce is 9, but 4 are stored",
        ),
        ({"models.gmf_tuned.gmf": False}, "neural_mf has nothing to learn"),
        (
            {"dataset.name": "custom", "ingest.columns.movie": "userId"},
            "ingest.columns.user and movie are both 'userId'",
        ),
        ({"dataset.name": "ml-1000m"}, "which is no release"),
    ],
)
def test_what_a_later_stage_would_refuse_is_refused_beforehand(path, changes, words):
    fault = said(path, changes)
    assert words in str(fault)
    assert str(fault).isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"candidates.per_user": 100_000},
        {"tasks.ranking.positive_threshold": "50%"},
        {"tasks.ranking.positive_threshold": 1},
        {"tasks.rating.split": "user_holdout", "tasks.rating.test": 0.9, "tasks.rating.validation": 0.5},
        {"tasks.rating.split": "k_fold", "tasks.rating.fold": 5},
        {"dataset.name": "ml-100k", "tasks.rating.split": "file"},
        {"dataset.name": "custom", "ingest.columns.title": "rating"},  # of another file
        {"models": {"only": EASE}, "demo.model": "only"},
        {"compare.k": 20},
        {"report.title": 1984},
    ],
)
def test_what_every_stage_takes_is_accepted(path, changes):
    assert said(path, changes) is None


def test_more_candidates_than_movies_count_as_all_movies(path):
    path.write_text(TEXT.replace("per_user: 99", "per_user: 100000"))
    assert pipeline_sizes(config.read(path)).candidates == 1682


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB, "more than 20,000 values, aliases counted"),
        (
            BOMB.replace("[", "{<<: [").replace("]", "]}").replace("x, " * 9 + "x", ""),
            "more than 20,000 values",
        ),
        ("a: &a [*a]", "line 1: *a is inside of itself"),
        ("a: *b", "line 1: not readable as YAML"),
        ("[" * 100_000, "line 1: more than 20 blocks inside each other"),
        ("{a: " * 50_000, "line 1: more than 20 blocks inside each other"),
        ("", "has no blocks"),
        ("- seed", "has no blocks"),
        ("~", "has no blocks"),
        (TEXT + "seed: 7\n", "seed stands twice"),
        (TEXT.replace("seed: 2024", 'seed: 1\n"seed": 2'), "line 8: seed stands twice"),
        (TEXT.replace("  ease:\n", "  bias:\n"), "models.bias stands twice"),
        (TEXT.replace("  name:", "\tname:"), "not readable as YAML"),
        (TEXT.replace("seed: 2024", "seed: " + "9" * 5000), "a value is not readable as YAML"),
        (TEXT.replace("seed: 2024", "seed: 0x" + "f" * 5000), "seed is a value too long to show"),
        (TEXT.replace("seed: 2024", "seed: 2024-13-45"), "a value is not readable as YAML (month must be"),
        (TEXT.replace("seed: 2024", "seed: !!python/object/apply:os.getcwd []"), "not readable as YAML"),
        (
            TEXT.replace("title: Marquee", "title: caf\xe9").encode("latin-1"),
            "not UTF-8; save the file as UTF-8",
        ),
        (TEXT.encode("utf-16"), "line 1: not UTF-8"),
        (b"\0" * 1000, "not readable as YAML"),
        (TEXT + "#" * 2_000_000, "is larger than 1,048,576 bytes"),
        ("".join(f"k{n}: 1\n" for n in range(60_000)), "more than 20,000 values"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused_in_one_line_and_quickly(path, content, words):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    started = time.perf_counter()
    fault = str(checked(path))
    assert words in fault
    assert fault.isprintable()
    assert time.perf_counter() - started < 2


def test_a_byte_order_mark_other_line_ends_and_shared_options_are_read(path):
    shared = TEXT.replace("  ease:\n", "  ease: &ease\n").replace(
        "\ncompare:", "  ease_2:\n    <<: *ease\n    regularization: 100\n\ncompare:"
    )
    for content in (b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r\n").encode(), shared.encode()):
        path.write_bytes(content)
        assert checked(path) is None
    assert flatten(config.load(path))["models.ease_2.max_memory_gib"] == 4.0


def try_mutations(path: Path, numbers: range) -> None:
    """Each file is accepted or refused in one short line, without a traceback and within two seconds."""
    path.write_text(TEXT)
    checked(path)  # imports what there is to import
    for number in numbers:
        content = mutated(TEXT, TREE, number)
        path.write_bytes(content)
        started = time.process_time()
        fault = checked(path)
        assert time.process_time() - started < 2, number
        assert fault is None or (fault.isprintable() and len(fault) < 1000 + len(str(path))), number


def test_a_spoiled_file_is_accepted_or_refused_in_one_line(path):
    try_mutations(path, range(60))


@pytest.mark.slow
def test_thousands_of_spoiled_files_are_accepted_or_refused_in_one_line(path):
    try_mutations(path, range(1000, 6000))
