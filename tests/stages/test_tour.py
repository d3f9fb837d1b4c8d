"""The notebook is committed as it was written, and runs on the outputs of any pipeline run."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

TOUR = "notebooks/tour.ipynb"


def test_the_tour_is_committed_without_outputs():
    tour = nbformat.read(Path(__file__).parents[2] / TOUR, as_version=4)
    nbformat.validate(tour)
    code = [cell for cell in tour.cells if cell.cell_type == "code"]
    assert {(len(cell.outputs), cell.execution_count) for cell in code} == {(0, None)}
    assert tour.metadata.kernelspec.name == "python3"


def test_the_tour_runs_from_its_own_folder_draws_its_figures_and_changes_nothing(finished):
    before = finished.fingerprint()
    tour = nbformat.read(finished / TOUR, as_version=4)
    NotebookClient(tour, resources={"metadata": {"path": str(finished / "notebooks")}}).execute()
    outputs = [output for cell in tour.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
    shown = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert sum("score" in text and "explanation" in text for text in shown) == 2
    assert finished.fingerprint() == before
