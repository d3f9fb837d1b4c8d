"""What a cluster is started from agrees with the code, and so do the extra and its pinned requirements."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from marquee.engine import settings

ROOT = Path(__file__).parents[2]


def test_the_compose_file_has_a_master_two_workers_and_the_pipeline_in_one_image(monkeypatch):
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert list(services) == ["master", "worker", "marquee"]
    assert services["worker"]["deploy"]["replicas"] == 2
    targets = re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    assert {one["build"]["target"] for one in services.values()} <= set(targets)
    assert len({(one["image"], *one["volumes"]) for one in services.values()}) == 1
    for name, value in services["marquee"]["environment"].items():
        monkeypatch.setenv(name, value)
    assert settings.on_spark()
    assert settings.spark_master() == services["worker"]["command"][-1]
    assert settings.spark_conf() == {"spark.driver.host": "marquee", "spark.executor.memory": "1g"}


def test_the_extra_is_what_the_pinned_requirements_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = {re.match(r"\w+", word)[0] for word in project["optional-dependencies"]["spark"]}
    pinned = (ROOT / "requirements-spark.txt").read_text("utf-8").splitlines()
    assert extra == {word.partition("=")[0] for word in pinned if word[0] not in "#-"} == {"pyspark"}
    constraints = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert set(pinned) & set(constraints) == {"pyspark==4.3.0"}


@pytest.mark.parametrize("page", ["docs/how-to/cluster.md", "docs/reference/command-line.md"])
def test_a_page_names_every_variable_of_the_engine(page):
    variables = set(re.findall(r"MARQUEE_(?:ENGINE|SPARK_\w+)", Path(settings.__file__).read_text("utf-8")))
    named = set(re.findall(r"MARQUEE_(?:ENGINE|SPARK_\w+)", (ROOT / page).read_text("utf-8")))
    assert len(variables) == 4
    assert named >= variables
