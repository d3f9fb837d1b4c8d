"""The pages name what there is: options, parameters, stages and each other."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from docs import message_table
from marquee.config.presets import flatten
from tests.all_models import TREE

ROOT = Path(__file__).parents[1]
ALGORITHMS = sorted({block["algorithm"] for block in TREE["models"].values()})
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "notebooks/tour.ipynb"])


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of the tables in `text`."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_page_of_models_lists_every_option_of_an_algorithm_with_its_default(algorithm):
    page = (ROOT / "docs/reference/models.md").read_text("utf-8")
    section = page.partition(f"\n## `{algorithm}`\n")[2].partition("\n## ")[0]
    stated: dict[str, str] = {}
    for row in rows(section):
        if names := named(row[0]):
            stated |= dict(zip(names, row[1].split(", "), strict=True))
    words = {"None": "as stored", "()": "none", "True": "true", "False": "false"}
    options = fields(import_module(f"marquee.recommenders.{algorithm}").Options)
    defaults = {one.name: str(one.default).removesuffix(".0") for one in options}
    assert stated == {name: words.get(value, value) for name, value in defaults.items()}


def test_the_page_of_parameters_explains_every_key():
    page = (ROOT / "docs/reference/params.md").read_text("utf-8").partition("## Which key")[0]

    explained = {name for row in rows(page) for name in named(row[0])}
    keys = [key for key in flatten(TREE) if not key.startswith("models.")]
    stated = [re.sub(r"^tasks\.\w+\.", "tasks.*.", re.sub(r"columns\.\w+", "columns.*", key)) for key in keys]
    missing = [
        key
        for key, general in zip(keys, stated, strict=True)
        if not {key, general, key.rpartition(".")[2]} & explained
    ]
    assert missing == []


def test_the_readme_draws_the_graph_as_dvc_does():
    command = [sys.executable, "-m", "dvc", "dag", "--collapse-foreach-matrix", "--mermaid"]
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r'(node\d+)\["(.*?)"\]', drawn))
    edges = {(names[one], names[other]) for one, other in re.findall(r"(node\d+)-->(node\d+)", drawn)}
    readme = (ROOT / "README.md").read_text("utf-8").partition("```mermaid\n")[2].partition("```")[0]
    stated = re.findall(r"(\w+) --> (.*)", readme)
    assert {(one, other) for one, others in stated for other in others.split(" & ")} == edges


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_outside_of_the_site_links_to_files_that_exist(page):
    """`make docs` checks the links inside of docs/."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_of_messages_is_that_of_the_code():
    assert message_table.PAGE.read_text("utf-8") == message_table.page(), (
        "run `python -m docs.message_table --write`"
    )
    rows = [line for line in message_table.page().splitlines() if line.startswith("| ")]
    assert len(rows) > 200
