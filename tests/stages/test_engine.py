"""Which stages Spark takes, and what is said of the others."""

from __future__ import annotations

import pytest

from stages import _engine
from tests.all_models import PARAMS


@pytest.mark.parametrize(
    ("stage", "mapped"),
    [
        ("ingest", True),
        ("split@rating", True),
        ("candidates@ranking", True),
        ("train@als_genres", True),
        ("train@ials", True),
        ("train@ease", False),
        ("train@mf_bce", False),
        ("evaluate@mf_bce", True),
        ("evaluate@gmf_tuned", True),
        ("evaluate@neumf", False),
        ("evaluate@item_knn", False),
        ("compare", False),
    ],
)
def test_a_stage_that_stays_here_says_what_it_needs(stage, mapped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = _engine.place(stage, PARAMS)
    assert (line is None) == mapped
    assert mapped or (line.startswith(f"{stage} runs on this machine") and "GiB" in line)
