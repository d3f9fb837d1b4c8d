"""The stages up to the candidates write the same files on Spark, wherever it runs and however it divides."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from marquee import config
from marquee.data import splits
from marquee.errors import MarqueeError
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import RELEASES
from marquee.rng import named_rng
from marquee.simulator.simulate import simulate
from stages import candidates, ingest, negatives
from stages import split as split_stage
from tests.engine import tasks
from tests.engine.conftest import CLUSTER
from tests.movielens.test_csv_parts import HEAD, LINES, fault, parts_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.spark


def outputs(params: config.Params) -> dict[str, str]:
    """Run the stages in the current folder, and return the hash of all that they wrote but figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "save_figures", lambda *_: None)  # seconds, of the driver alone
        ingest.main(params)
    for task in ("rating", "ranking"):
        split_stage.main(params, task)
    negatives.main(params)
    for task in ("rating", "ranking"):
        candidates.main(params, task)
    files = [path for path in sorted(Path("data").rglob("*")) if path.is_file() and "raw" not in path.parts]
    return {str(path): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


class Workplace:
    """A folder with the raw files of a release, its parameters, and what a run on threads made of them."""

    def __init__(self, folder: Path, params: config.Params) -> None:
        self.folder, self.params = folder, params
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("MARQUEE_ENGINE", "local")
            self.local = outputs(params)

    def runs_equal(self, monkeypatch) -> None:
        monkeypatch.chdir(self.folder)
        for name in self.local:
            Path(name).unlink()
        assert outputs(self.params) == self.local


@pytest.fixture(scope="module")
def default(tmp_path_factory) -> Workplace:
    folder, params = tmp_path_factory.mktemp("default"), config.read(ROOT / "params.yaml")
    (folder / "data/raw").mkdir(parents=True)
    simulate(params.simulator, folder / "data/raw", named_rng(params.seed, "simulate"))
    return Workplace(folder, params)


@pytest.fixture(scope="module")
def real(tmp_path_factory, movielens) -> Workplace:
    folder = tmp_path_factory.mktemp("real")
    (folder / "data/raw").mkdir(parents=True)
    fetch_release(RELEASES["ml-1m"], str(movielens), folder / "data/raw", folder)
    params = config.read(ROOT / "params.yaml")
    return Workplace(folder, replace(params, dataset=replace(params.dataset, name="ml-1m")))


@pytest.mark.parametrize(("master", "partitions"), [("local[1]", 1), ("local[2]", 7), (CLUSTER, 3)])
def test_the_default_data_has_the_same_files(spark, monkeypatch, default, master, partitions):
    spark(master, partitions)
    default.runs_equal(monkeypatch)


@pytest.mark.real
@pytest.mark.parametrize(("master", "partitions"), [("local[2]", 3), (CLUSTER, 7)])
def test_ml_1m_has_the_same_files(spark, monkeypatch, real, master, partitions):
    spark(master, partitions)
    real.runs_equal(monkeypatch)


def test_an_executor_of_a_cluster_that_is_killed_in_a_split_changes_nothing(spark, monkeypatch, default):
    spark(CLUSTER, 3)
    monkeypatch.setattr(splits.shares, "assigned", tasks.assigned_once_killed)
    default.runs_equal(monkeypatch)
    assert (default.folder / "killed").is_file()


@pytest.mark.parametrize(
    "texts",
    [
        ("".join(LINES[:60]), "1,2,x,4\n" + "".join(LINES[60:]), "1,2,9\n"),
        ("".join(LINES), "1,2\n", "1,2,3,4,5\n"),
        ("", ""),
        ("".join(LINES), '1,2,"3,4\n'),
    ],
)
def test_bad_rows_in_parts_are_the_same_line(spark, tmp_path, texts):
    raw = parts_of(tmp_path / "raw", *texts)
    locally = fault(raw)
    spark("local[2]", 2)
    assert fault(raw) == locally
    assert str(raw) in locally


def test_a_wrong_header_of_a_part_is_the_same_line(spark, tmp_path):
    raw = parts_of(tmp_path / "raw", "".join(LINES))
    (raw / "ratings.csv/part-00001.csv").write_text(HEAD.replace("movieId", "film") + LINES[0])
    locally = fault(raw)
    spark("local[2]", 2)
    assert fault(raw) == locally


def test_ratings_may_lie_in_any_file_system_that_spark_reads(spark, tmp_path):
    mine = parts_of(tmp_path / "my ratings", "".join(LINES[:60]), "".join(LINES[60:]))
    address = f"file://{mine}/ratings.csv"  # as Hadoop, without escapes
    found = {}
    for engine in ("threads", "spark"):
        if engine == "spark":
            spark("local[2]")
        (tmp_path / engine).mkdir()
        fetch_release(RELEASES["custom"], address, tmp_path / engine, tmp_path / "scratch")
        files = sorted((tmp_path / engine).rglob("*.csv"))
        found[engine] = [(path.name, path.is_file() and path.read_bytes()) for path in files]
    assert found["threads"] == found["spark"]
    assert [name for name, _ in found["spark"]] == ["ratings.csv", "part-00000.csv", "part-00001.csv"]
    assert list((tmp_path / "scratch").iterdir()) == []
    assert len(list(mine.rglob("*.csv"))) == 3


@pytest.mark.parametrize("address", ["file:///nowhere/ratings.csv", "nfs4://host/ratings.csv"])
def test_an_address_that_spark_does_not_read_is_one_line(spark, tmp_path, address):
    spark("local[2]")
    with pytest.raises(
        MarqueeError, match=r"^dataset\.source is '.*', which Spark does not read \(.+\): "
    ) as error:
        fetch_release(RELEASES["custom"], address, tmp_path, tmp_path / "scratch")
    assert "\n" not in str(error.value)
