"""A file of the project is damaged: whoever reads it says so in one line that names it, or answers right.

Everything runs in this process, in a copy of the finished project, so that a case takes milliseconds.
"""

from __future__ import annotations

import io
import os
import random
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from marquee import config
from marquee.cli.main import main
from marquee.errors import explain
from marquee.files import remove
from tests.tampering import block_lost, byte_flipped, damages, missing

SEED = int(os.environ.get("MARQUEE_TAMPER_SEED", "1"))
USER = "7"
SUBTLE = (byte_flipped, block_lost)


@dataclass(frozen=True)
class Outcome:
    """What a reader printed and wrote, or the one line that it ended with."""

    result: object = None
    line: str | None = None


def command(*words: str) -> Outcome:
    """Run `marquee` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    if code == 0:
        return Outcome(out.getvalue())
    assert code == 1
    assert out.getvalue() == ""
    return Outcome(line=err.getvalue())


def stage(name: str, *arguments: str, writes: str) -> Outcome:
    """Run a stage's `main` in this process, as its runner would."""
    module = import_module(f"stages.{name}")
    before = _files(Path(writes))
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            module.main(config.read(Path("params.yaml")), *arguments)
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        assert _files(Path(writes)) == before, "and its outputs are as before"
        return Outcome(line=f"{line}\n")
    return Outcome(_files(Path(writes)))


def _files(path: Path) -> dict[str, bytes]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def readers(path: Path) -> list[tuple[str, ...]]:
    """Each command that reads the file: `recommend ease`, or the name of a stage, its argument and output."""
    name = path.as_posix()
    model = path.parts[1] if path.parts[0] == "models" else "ease"
    found: list[tuple[str, ...]] = []
    if path.parts[0] == "models" and len(path.parts) == 3:
        found = [("recommend", model, "--user", USER)]
        found += [("stage", "evaluate", model, f"data/evaluation/{model}")]
        found += [("similar", model, "#1")] * (model in ("ease", "mf_bce"))
    elif name == "data/movies.parquet":
        found = [("recommend", "bias", "--user", USER), ("similar", "ease", "#1")]
        found += [("stage", "evaluate", "ease", "data/evaluation/ease")]
    elif name in ("data/users.parquet", "data/ratings.parquet"):
        found = [("recommend", "ease", "--users", "3,7"), ("recommend", "bias", "--user", USER)]
    elif name == "data/dataset.json":
        found = [("recommend", "bias", "--user", USER), ("plan",), ("stage", "report", "plots/report.html")]
    elif path.parent.name in ("rating", "ranking") and path.parts[1] != "oracle":
        task = path.parent.name
        one = "ease" if task == "ranking" else "bias"
        found = [("stage", "evaluate", one, f"data/evaluation/{one}")]
        if path.stem in ("train", "fold_in"):
            found += [("recommend", one, "--user", USER)]
        if path.stem in ("train", "val") and task == "rating":
            found += [("stage", "train", "bias", "models/bias")]
    elif name == "data/negatives/train.parquet":
        found = [("stage", "train", "mf_bce", "models/mf_bce")]
    elif path.suffix == ".svg" or path.name in ("captions.json", "samples.json"):
        found = [("stage", "report", "plots/report.html")]
    elif name.startswith(("data/evaluation/", "data/oracle/")) and path.stem != "predictions":
        found = [("stage", "compare", "data/leaderboard")]
    elif name == "data/leaderboard/table.csv":
        found = [("leaderboard",), ("stage", "report", "plots/report.html")]
    elif name == "data/leaderboard/groups.csv":
        found = [("leaderboard", "--show", "groups"), ("stage", "report", "plots/report.html")]
    elif name == "plots/train/mf_bce.csv":
        found = [("stage", "plot", "mf_bce", "data/figures/models/mf_bce")]
    elif name == "logs/stages.jsonl":
        found = [("plan",)]
    elif name == "data/raw/truth.safetensors":
        found = [("stage", "oracle", "data/oracle")]
    return found


def run(reader: tuple[str, ...]) -> Outcome:
    if reader[0] == "stage":
        return stage(*reader[1:-1], writes=reader[-1])
    return command(*reader)


class Tampered:
    """A project in which one file at a time is damaged and restored."""

    def __init__(self, project) -> None:
        self.project = project
        self.right: dict[tuple[str, ...], Outcome] = {}
        names = ("models", "data", "plots", "logs")
        every = [path for name in names for path in sorted(Path(name).rglob("*")) if path.is_file()]
        self.files = [path for path in every if readers(path)]

    def damages(self, path: Path) -> list:
        """What can be done to the file. A CSV for people has no hash: DVC alone notices another digit."""
        found = [damage for damage in damages(path) if path.suffix != ".csv" or damage not in SUBTLE]
        may_be_missing = path.name in ("truth.safetensors", "dataset.json")  # of real data, before a run
        return [one for one in found if one is not missing or not may_be_missing]

    def case(self, path: Path, damage, chance: random.Random) -> str | None:
        """Damage the file, run a reader of it, and return what is wrong with the outcome."""
        reader = chance.choice(readers(path))
        if reader not in self.right:
            self.right[reader] = run(reader)
            assert self.right[reader].line is None, self.right[reader].line
        kept = path.read_bytes()
        outputs = {Path(name): content for name, content in _files(Path(reader[-1])).items()}
        case = f"{damage.__name__} {path}: {' '.join(reader)}"
        try:
            damage(path, chance)
            outcome = run(reader)
        except Exception as error:
            return f"{case}: traceback {error!r}"
        finally:
            remove(path)
            path.write_bytes(kept)
            for output, content in outputs.items():
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_bytes(content)
        if path.name == "stages.jsonl":  # a log: what of it does not read is left out
            return outcome.line
        if outcome.line is None:
            return None if outcome == self.right[reader] else f"{case}: another result and no word"
        if len(outcome.line.splitlines()) != 1 or not outcome.line.endswith("\n"):
            return f"{case}: several lines: {outcome.line}"
        named = str(path) in outcome.line or str(path.parent) in outcome.line
        return None if named else f"{case}: does not name it: {outcome.line}"


@pytest.fixture
def tampered(project, monkeypatch) -> Tampered:
    monkeypatch.chdir(project.folder)
    return Tampered(project)


def test_a_damaged_file_is_named_or_does_no_harm(tampered):
    """Two damages of every kind of file, of all that are possible."""
    chance = random.Random(SEED)
    by_kind = {(path.parts[0], path.name): path for path in tampered.files}
    wrong = [
        tampered.case(path, damage, chance)
        for path in by_kind.values()
        if path.suffix != ".svg"
        for damage in chance.sample(tampered.damages(path), 2)
    ]
    assert list(filter(None, wrong)) == []


@pytest.mark.slow
def test_every_damage_of_every_file_is_named_or_does_no_harm(tampered):
    chance = random.Random(SEED)
    wrong = [
        tampered.case(path, damage, chance)
        for path in tampered.files
        for damage in tampered.damages(path)
        for _ in range(2)
    ]
    assert list(filter(None, wrong)) == []
