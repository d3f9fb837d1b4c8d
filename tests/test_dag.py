"""The wiring: a stage depends on what it imports, a key of params.yaml reruns what it should."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

ROOT = Path(__file__).parents[1]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
MODELS = PARAMS["models"]
OF_MODELS = ("train",)  # stages with one for each block under models:
ALGORITHMS = [path for path in (ROOT / "marquee/recommenders").glob("*.py") if path.stem != "__init__"]

# Which stages a key starts, directly; whatever reads what they change follows. `*` stands for one name.
# `compare` and `report` close every run: both depend on the file, for the models' blocks and for all of it.
STARTS = {
    "seed": "download split@* negatives candidates@* train@*",
    "dataset.name": "download ingest",
    "dataset.source": "download",
    "simulate.*": "download",
    "simulator.format": "download ingest",
    "simulator.half_stars": "download ingest",
    "ingest.*": "ingest",
    "tasks.rating.*": "split@rating",
    "tasks.ranking.*": "split@ranking",
    "tasks.ranking.positive_threshold": "split@ranking evaluate",
    "negatives.*": "negatives",
    "candidates.*": "candidates@*",
    "models.<model>.*": "train@<model>",
    "models.<model>.task": "train@<model>",
    "models.<model>.algorithm": "train@<model>",
    "evaluation.*": "evaluate",
    "compare.*": "",
    "report.*": "",
}


@pytest.fixture(scope="module")
def stages():
    with Repo(str(ROOT)) as repo:
        return {stage.addressing: stage for stage in repo.index.stages}


def imported(path: Path) -> set[Path]:
    """The first-party modules that a file imports, anywhere in it, type-checking blocks left out."""
    found = set()
    tree = ast.parse(path.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    files = set()
    for name in found:
        parts = name.split(".")
        if parts[0] not in ("marquee", "stages"):
            continue
        for end in range(1, len(parts) + 1):
            base = ROOT.joinpath(*parts[:end])
            files |= {file for file in (base / "__init__.py", base.with_suffix(".py")) if file.is_file()}
    return {file for file in files if not says_nothing(file)}


def says_nothing(path: Path) -> bool:
    """A package's file with a docstring alone: nothing in it can change a result."""
    return path.name == "__init__.py" and len(ast.parse(path.read_text()).body) == 1


@cache
def closure(path: Path) -> frozenset[Path]:
    done, todo = set(), {path}
    while todo:
        file = todo.pop()
        done.add(file)
        todo |= imported(file) - done
    return frozenset(done)


def modules(stage) -> set[Path]:
    """Everything of ours that the stage's command runs."""
    script = re.match(r"python -m (stages\.\w+)", stage.cmd)
    assert script, f"{stage.addressing}: {stage.cmd}"
    needed = set(closure(ROOT / (script[1].replace(".", "/") + ".py")))
    name = stage.addressing.partition("@")
    if name[0] in ("evaluate", "pictures"):  # of all models
        needed |= set().union(*map(closure, ALGORITHMS))
    if name[0] in OF_MODELS:
        needed |= closure(ROOT / "marquee" / "recommenders" / f"{MODELS[name[2]]['algorithm']}.py")
    return needed


def test_every_module_that_a_stage_imports_is_among_its_deps(stages):
    missing = {}
    for name, stage in stages.items():
        deps = [Path(dep.fs_path) for dep in stage.deps]
        lacks = {m for m in modules(stage) if not any(m == dep or dep in m.parents for dep in deps)}
        if lacks:
            missing[name] = sorted(str(m.relative_to(ROOT)) for m in lacks)
    assert missing == {}


def test_no_stage_depends_on_a_module_that_nothing_of_its_kind_imports(stages):
    """Where there is a stage for each model, the list serves every algorithm: an experiment may add one."""
    every = set().union(*map(closure, ALGORITHMS))
    needed: dict[str, set[Path]] = {kind: set(every) for kind in OF_MODELS}
    for name, stage in stages.items():
        needed.setdefault(name.partition("@")[0], set()).update(modules(stage))
    for name, stage in stages.items():
        deps = {Path(dep.fs_path) for dep in stage.deps}
        ours = {m for dep in deps if ROOT / "marquee" in dep.parents for m in (dep, *dep.rglob("*.py"))}
        ours -= set((ROOT / "marquee/foundation").iterdir()) | set(filter(says_nothing, ours))
        extra = {m for m in ours if m.suffix == ".py"} - needed[name.partition("@")[0]]
        assert extra == set(), name


def leaves(block, prefix=""):
    for key, value in block.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def expected(key: str) -> set[str]:
    """The most specific row of STARTS that fits, with its stars written out; report follows everything."""
    model = key.split(".")[1] if key.startswith("models.") else ""
    general = key.replace(f"models.{model}.", "models.<model>.") if model else key
    fitting = [row for row in STARTS if re.fullmatch(re.escape(row).replace(r"\*", ".*"), general)]
    assert fitting, f"{key} has no row in STARTS"
    names = STARTS[max(fitting, key=lambda row: (row.count("*") == 0, len(row)))]
    names = names.replace("<model>", model)
    out = {"compare", "report"}
    for name in names.split():
        stage, at, star = name.partition("@")
        if star == "*":
            out |= {f"{stage}@{one}" for one in (MODELS if stage in OF_MODELS else PARAMS["tasks"])}
        else:
            out.add(stage + at + star)
    return out


@pytest.mark.parametrize("key", list(leaves(PARAMS)))
def test_a_key_of_params_reruns_exactly_the_stages_that_it_should(stages, key):
    """As DVC sees it: a stage starts when a parameter it tracks is `key` or a block around it."""
    started = set()
    for name, stage in stages.items():
        tracked = {param for dep in stage.deps for param in getattr(dep, "params", ())}
        whole = any(dep.def_path == "params.yaml" and not hasattr(dep, "params") for dep in stage.deps)
        if whole or any(key == param or key.startswith(f"{param}.") for param in tracked):
            started.add(name)
    assert started == expected(key)


def test_the_documentation_has_the_same_table():
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", (ROOT / "docs/params.md").read_text(), re.M))
    stated = {key: " ".join(re.findall(r"`([^`]+)`", cell)) for key, cell in rows.items()}
    assert stated == STARTS


def test_every_stage_says_what_it_is_for(stages):
    assert [name for name, stage in stages.items() if not stage.desc] == []


def test_commands_run_on_every_system(stages):
    assert all(re.fullmatch(r"python -m stages\.\w+( \w+)?", stage.cmd) for stage in stages.values())


def test_no_module_is_longer_than_four_hundred_lines():
    files = [path for room in ("marquee", "stages", "tests", "bench") for path in (ROOT / room).rglob("*.py")]
    assert {p.name: n for p in files if (n := len(p.read_text().splitlines())) > 400} == {}


def test_stages_do_no_arithmetic():
    """A stage reads, calls marquee and writes; joining a path with `/` and choosing with `|` is no sum."""
    allowed = (ast.Div, ast.BitOr)
    for path in sorted((ROOT / "stages").glob("*.py")):
        if path.name == "__init__.py":
            continue  # measures how long a stage took
        sums = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.BinOp)]
        assert [ast.unparse(n) for n in sums if not isinstance(n.op, allowed)] == [], path.name


def test_heavy_imports_wait_until_they_are_used():
    """torch, scikit-learn, scipy and pyplot take seconds: no module imports them at its top."""
    heavy = {"torch", "sklearn", "scipy", "matplotlib", "pandas"}
    for path in [*(ROOT / "marquee").rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & heavy, path.name
