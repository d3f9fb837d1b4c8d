"""The Python API: the README's example, lazy imports, and the same numbers as the pipeline."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import marquee as mq
from marquee import config
from marquee.api import dataset as api_dataset
from marquee.io import read_json
from marquee.movielens import releases
from marquee.movielens.parsers import read_release
from marquee.movielens.schema import Scale
from tests.api.sample import N_ITEMS, N_USERS, write_ml_100k

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / "README.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]


# The example of the README


def run_example(home: Path, monkeypatch, capsys) -> str:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    exec(EXAMPLE, {})
    return capsys.readouterr().out


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    write_ml_100k(tmp_path / "Downloads/ml-100k")
    release = replace(releases.RELEASES["ml-100k"], counts=(700, N_USERS, N_ITEMS))
    monkeypatch.setitem(releases.RELEASES, "ml-100k", release)
    printed = run_example(tmp_path, monkeypatch, capsys)
    assert len(re.findall(r"^ndcg +0\.\d{4}", printed, re.MULTILINE)) == 1
    assert len(re.findall(r"^\d+ .*Film \d+", printed, re.MULTILINE)) >= 10
    assert EXAMPLE.count("\n") <= 10


@pytest.mark.real
def test_the_example_of_the_readme_runs_on_ml_100k(movielens, tmp_path, monkeypatch, capsys):
    (tmp_path / "Downloads").symlink_to(movielens)
    printed = run_example(tmp_path, monkeypatch, capsys)
    ndcg_at_10 = float(re.search(r"^ndcg +\S+ +(\S+)", printed, re.MULTILINE)[1])
    assert 0.06 < ndcg_at_10 < 0.09
    assert "Aliens" in printed


def test_import_is_lazy():
    code = "import sys, marquee; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pyarrow", "torch", "numba", "pandas", "matplotlib"} & set(loaded.stdout.split())
    code = "import sys, marquee; marquee.EASE(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"torch", "numba", "pandas", "matplotlib", "scipy", "sklearn"} & set(loaded.stdout.split())


def test_every_name_is_there_and_every_algorithm_has_one():
    for name in mq.__all__:
        assert getattr(mq, name) is not None
    files = {path.stem for path in (ROOT / "marquee/recommenders").glob("[a-z]*.py")}
    assert {one.algorithm for one in mq.Model.__subclasses__()} == files - {"base"}
    with pytest.raises(AttributeError, match="has no attribute 'EASY'"):
        mq.EASY  # noqa: B018


# The same numbers as the pipeline


@pytest.mark.parametrize(
    ("name", "algorithm", "task", "options"),
    [
        ("EASE", "ease", "ranking", {"regularization": 3.0}),
        ("MFBCE", "mf_bce", "ranking", {"dim": 4, "epochs": 3}),
        ("ALS", "als", "rating", {"dim": 2, "use_genres": True}),
    ],
)
def test_the_metrics_are_those_of_the_stages(tmp_path, monkeypatch, name, algorithm, task, options):
    from stages import candidates, evaluate, ingest, negatives, split, train

    monkeypatch.chdir(tmp_path)
    write_ml_100k(Path("data/raw"))
    settings = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    settings["dataset"] = {"name": "ml-100k"}
    learns_from = "negatives" if algorithm == "mf_bce" else task
    block = {"task": task, "train_data": learns_from, "algorithm": algorithm, **options}
    settings["models"] = {algorithm: block}
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    params = config.read(Path("params.yaml"))
    assert params.seed == api_dataset.SEED
    ingest.main(params)
    split.main(params, task)
    candidates.main(params, task)
    if learns_from == "negatives":
        negatives.main(params)
    train.main(params, algorithm)
    evaluate.main(params, algorithm)
    expected = read_json(Path(f"data/evaluation/{algorithm}/metrics.json"))

    own = read_release(Path("data/raw"), "ml-100k", Scale(1, 5, 1), config.CustomColumns())
    how = settings["tasks"][task]
    shares = {key: how[key] for key in ("validation", "test") if key in how}
    threshold = how["positive_threshold"] if task == "ranking" else None
    parts = mq.split(mq.Dataset("x", own), how["split"], positive_threshold=threshold, **shares)
    result = mq.evaluate(getattr(mq, name)(**options).fit(*parts[:2]), parts[2])
    assert dict(result) == expected["metrics"]
    assert result.counts == expected["counts"]
