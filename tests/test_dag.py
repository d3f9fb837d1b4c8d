"""The wiring: a stage depends on what it imports, a key of params.yaml reruns what it should."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from marquee.config.presets import flatten

ROOT = Path(__file__).parents[1]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
MODELS = PARAMS["models"]
OF_MODELS = ("train", "evaluate", "plot")  # stages with one for each block under models:
ALGORITHMS = [path for path in (ROOT / "marquee/recommenders").glob("*.py") if path.stem != "__init__"]

# Which stages a key starts, directly; whatever reads what they change follows. `*` stands for one name.
# `check` opens and `compare` and `report` close every run: all three depend on the file.
STARTS = {
    "seed": "download split@* negatives candidates@* train@*",
    "dataset.name": "download ingest",
    "dataset.path": "download",
    "dataset.source": "download",
    "simulator.*": "download",
    "simulator.format": "download ingest",
    "simulator.half_stars": "download ingest",
    "ingest.*": "ingest",
    "tasks.rating.*": "split@rating",
    "tasks.ranking.*": "split@ranking",
    "tasks.ranking.positive_threshold": "split@ranking evaluate@* oracle demo",
    "negatives.*": "negatives",
    "candidates.*": "candidates@*",
    "models.<model>.*": "train@<model>",
    "models.<model>.task": "train@<model>",
    "models.<model>.algorithm": "train@<model>",
    "evaluate.*": "evaluate@* oracle",
    "evaluate.mask": "candidates@* evaluate@* oracle",
    "compare.*": "",
    "report.*": "",
    "report.title": "demo",
    "demo.*": "demo",
}
# Plumbing that a stage may import without depending on it: files, messages, parameters, threads, the memory
# model, the contract. A change there changes the program and no experiment; `dvc repro --force` runs anyway.
PLUMBING = (
    *("marquee/__init__.py", "marquee/errors.py", "marquee/config", "marquee/io.py", "marquee/parallel.py"),
    *("marquee/files.py", "marquee/outputs.py", "marquee/parquet.py", "marquee/terminal.py"),
    *("marquee/recommenders/__init__.py", "marquee/recommenders/base.py", "marquee/resources", "stages"),
    *("marquee/dvc_state.py", "marquee/engine", "marquee/store.py"),
)
# Packages that a stage imports beside those it depends on: those of another function of `stages/_inputs.py`,
# readers of columns, options of a neighbour. Whatever they computed reaches the stage as a file.
INPUTS = {"marquee/evaluation", "marquee/kernels", "marquee/training"}
BESIDE = {
    "check": {
        *("marquee/data", "marquee/movielens", "marquee/training", "marquee/rng.py", "marquee/demo"),
        *INPUTS,
    },
    "download": {"marquee/movielens", "marquee/rng.py"},
    "ingest": {"marquee/simulator", "marquee/figures"},
    "split": INPUTS,
    "negatives": INPUTS,
    "candidates": INPUTS,
    "train": {"marquee/data", "marquee/rng.py"},
    "evaluate": {"marquee/data", "marquee/rng.py"},
    "oracle": {*INPUTS, "marquee/data", "marquee/leaderboard", "marquee/rng.py", "marquee/movielens"},
    "plot": {*INPUTS, "marquee/data", "marquee/training", "marquee/leaderboard", "marquee/rng.py"},
    "compare": {*INPUTS, "marquee/data", "marquee/movielens", "marquee/rng.py"},
    "report": {*INPUTS, "marquee/data", "marquee/leaderboard", "marquee/rng.py"},
    "demo": {*INPUTS, "marquee/data", "marquee/rng.py", "marquee/movielens"},
}
# Imports point down only: a package may import those of later rows.
LEVELS = (
    ("stages", "marquee/cli", "marquee/api"),
    ("marquee/validate.py", "marquee/server"),
    ("marquee/prequential.py",),
    (
        "marquee/resources",
        "marquee/experiments.py",
        "marquee/dvc_state.py",
        "marquee/referee",
        "marquee/backtest.py",
    ),
    ("marquee/demo",),
    ("marquee/report", "marquee/serving"),
    ("marquee/figures", "marquee/tuning"),
    ("marquee/recommenders",),
    ("marquee/training",),
    ("marquee/simulator", "marquee/leaderboard"),
    ("marquee/evaluation", "marquee/movielens"),
    ("marquee/data",),
    ("marquee/kernels",),
    ("marquee/engine",),
    ("marquee/parallel.py", "marquee/io.py", "marquee/rng.py"),
    ("marquee/config", "marquee/parquet.py"),
    ("marquee/store.py",),
    ("marquee/files.py", "marquee/terminal.py"),
    ("marquee/errors.py",),
    ("marquee/outputs.py",),
)


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


def package(path: Path) -> str:
    """`marquee/evaluation` for a file in it, `marquee/io.py` for a file beside the packages."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:1] if parts[0] == "stages" else parts[:2])


def modules(stage) -> set[Path]:
    """Everything of ours that the stage's command runs."""
    script = re.match(r"python -m (stages\.\w+)", stage.cmd)
    assert script, f"{stage.addressing}: {stage.cmd}"
    needed = set(closure(ROOT / (script[1].replace(".", "/") + ".py")))
    kind, _, name = stage.addressing.partition("@")
    if kind in ("train", "evaluate"):
        needed |= closure(ROOT / "marquee" / "recommenders" / f"{MODELS[name]['algorithm']}.py")
    return needed


def code(stage) -> list[Path]:
    """The stage's dependencies that are code."""
    deps = [Path(dep.fs_path) for dep in stage.deps]
    return [dep for dep in deps if ROOT / "marquee" in dep.parents]


def covered(module: Path, by: list[Path]) -> bool:
    return any(module == one or one in module.parents for one in by)


def test_a_stage_depends_on_the_packages_that_it_runs(stages):
    missing = {}
    for name, stage in stages.items():
        kind = name.partition("@")[0]
        known = [*code(stage), *(ROOT / one for one in (*PLUMBING, *BESIDE.get(kind, ())))]
        if lacks := {m for m in modules(stage) if not covered(m, known)}:
            missing[name] = sorted(str(m.relative_to(ROOT)) for m in lacks)
    assert missing == {}


def test_no_stage_depends_on_code_that_it_does_not_run_and_none_on_more_than_five_places(stages):
    for name, stage in stages.items():
        needed = modules(stage)
        assert [str(dep) for dep in code(stage) if not any(covered(m, [dep]) for m in needed)] == [], name
        assert len(code(stage)) <= 5, name
    listed = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    lines = [dep for stage in listed for dep in stage.get("do", stage)["deps"] if dep.startswith("marquee/")]
    assert len(lines) <= 50


def test_check_runs_before_every_other_stage():
    """A name is a path that DVC removes and a word of a command: nothing may start before its check."""
    with Repo(str(ROOT)) as repo:
        graph = repo.index.graph  # from a stage to those it depends on
        for stage in graph:
            upstream, todo = set(), [stage]
            while todo:
                one = todo.pop()
                upstream.add(one.addressing)
                todo += [other for other in graph.successors(one) if other.addressing not in upstream]
            assert "check" in upstream, stage.addressing


def test_imports_point_down():
    level = {name: depth for depth, row in enumerate(LEVELS) for name in row}
    wrong = []
    for path in [*(ROOT / "marquee").rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        here = package(path)
        if here in ("marquee/__init__.py", "marquee/__main__.py"):
            continue
        for target in imported(path):
            there = package(target)
            if there not in (here, "marquee/__init__.py") and level[there] <= level[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports {target.relative_to(ROOT)}")
    assert wrong == []


def test_no_recommender_imports_another():
    for path in ALGORITHMS:
        others = set(ALGORITHMS) - {path, path.with_name("base.py")}
        assert not imported(path) & others, path.name


def test_numba_is_imported_in_kernels_alone():
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "marquee").rglob("*.py")
        if re.search(r"^\s*(from|import) numba", path.read_text(), re.M) and path.parent.name != "kernels"
    ]
    assert found == []


def test_pyspark_is_imported_in_the_engine_alone_and_only_when_spark_is_chosen():
    found = {
        package(path)
        for path in (ROOT / "marquee").rglob("*.py")
        if re.search(r"^\s*(from|import) (pyspark|py4j)", path.read_text(), re.M)
    }
    assert found == {"marquee/engine"}
    for name in ("__init__", "settings", "transport", "worker", "session", "clock", "file_systems"):
        top = ast.parse((ROOT / f"marquee/engine/{name}.py").read_text()).body
        assert "pyspark" not in {(getattr(node, "module", "") or "").split(".")[0] for node in top}, name


def expected(key: str) -> set[str]:
    """The most specific row of STARTS that fits, with its stars written out; report follows everything."""
    model = key.split(".")[1] if key.startswith("models.") else ""
    general = key.replace(f"models.{model}.", "models.<model>.") if model else key
    fitting = [row for row in STARTS if re.fullmatch(re.escape(row).replace(r"\*", ".*"), general)]
    assert fitting, f"{key} has no row in STARTS"
    names = STARTS[max(fitting, key=lambda row: (row.count("*") == 0, len(row)))]
    names = names.replace("<model>", model)
    out = {"check", "compare", "report"}
    for name in names.split():
        stage, at, star = name.partition("@")
        if star == "*":
            out |= {f"{stage}@{one}" for one in (MODELS if stage in OF_MODELS else PARAMS["tasks"])}
        else:
            out.add(stage + at + star)
    return out


@pytest.mark.parametrize("key", list(flatten(PARAMS)))
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
    page = (ROOT / "docs/reference/params.md").read_text().partition("## Which key reruns what")[2]
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", page, re.M))
    stated = {key: " ".join(re.findall(r"`([^`]+)`", cell)) for key, cell in rows.items()}
    assert stated == STARTS


def test_every_stage_says_what_it_is_for(stages):
    assert [name for name, stage in stages.items() if not stage.desc] == []


def test_commands_run_on_every_system(stages):
    assert all(re.fullmatch(r"python -m stages\.\w+( \w+)?", stage.cmd) for stage in stages.values())


def test_no_module_is_longer_than_four_hundred_lines():
    files = [
        path for folder in ("marquee", "stages", "tests", "bench") for path in (ROOT / folder).rglob("*.py")
    ]
    assert {p.name: n for p in files if (n := len(p.read_text().splitlines())) > 400} == {}


def test_stages_do_no_arithmetic_and_import_no_stage():
    """A stage reads, calls marquee and writes; joining a path with `/` and choosing with `|` is no sum."""
    allowed = (ast.Div, ast.BitOr)
    for path in sorted((ROOT / "stages").glob("[a-z]*.py")):
        tree = ast.parse(path.read_text())
        sums = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp)]
        assert [ast.unparse(node) for node in sums if not isinstance(node.op, allowed)] == [], path.name
        assert {p.name for p in imported(path) if p.parent.name == "stages"} <= {"_runner.py", "_inputs.py"}


NETWORKS = "marquee/training/networks"  # its classes are torch modules: it needs torch when it is imported


def test_heavy_imports_wait_until_they_are_used():
    """torch, scikit-learn, scipy and pyplot take seconds: no module imports them, or NETWORKS, at its top."""
    heavy = {"torch", "sklearn", "scipy", "matplotlib", "pandas"}
    for path in [*(ROOT / "marquee").rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        networks = path.is_relative_to(ROOT / NETWORKS)
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found = {name.split(".")[0] for name in names} & heavy
            assert not found - ({"torch"} if networks else set()), path.name
            inside = [name for name in names if name.startswith(NETWORKS.replace("/", "."))]
            assert networks or not inside, path.name
