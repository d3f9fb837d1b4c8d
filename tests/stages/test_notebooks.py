"""Notebooks are committed without outputs; the tour runs on a pipeline, the others without one."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_without_outputs(name):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert {(len(cell.outputs), cell.execution_count) for cell in code} == {(0, None)}
    assert notebook.metadata.kernelspec.name == "python3"


def test_the_tour_runs_from_its_own_folder_draws_its_figures_and_changes_nothing(finished):
    before = finished.fingerprint()
    outputs = run(finished / "notebooks/tour.ipynb", finished / "notebooks")
    assert figures(outputs) == 6
    shown = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert sum("score" in text and "explanation" in text for text in shown) == 2
    assert finished.fingerprint() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "drawn", "metric"),
    [
        ("implicit_mf_bce", 3, "sampled_ndcg@10"),
        ("neural_mf", 3, "rmse"),
        ("als_genres", 3, "rmse_cold"),
        ("autorec", 3, "rmse"),
        ("sgd_mf", 2, "rmse"),
    ],
)
def test_a_notebook_trains_evaluates_and_recommends(name, drawn, metric, tmp_path):
    outputs = run(FOLDER / f"{name}.ipynb", tmp_path)
    assert figures(outputs) == drawn
    shown = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert sum(metric in text for text in shown) >= 1
    assert any("title" in text and "genres" in text for text in shown), "no list of movies"


def run(path: Path, folder: Path) -> list:
    """Execute a notebook in `folder` and return the outputs of its cells."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def figures(outputs: list) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)
