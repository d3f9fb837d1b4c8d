"""Every second of a run is some part's, and an import is one wherever it happens."""

from __future__ import annotations

import pytest

from bench.overhead import account


def test_an_import_inside_a_fit_is_no_fitting():
    fit = {"phase": "fitting", "began": 102.0, "seconds": 5.0}
    row = {"stage": "train@m", "began": 101.0, "start_up": 0.5, "seconds": 7.0, "phases": [fit]}
    spent = account(10.0, [row], [(99.0, 0.3), (100.75, 0.25), (103.0, 1.0), (107.5, 0.125)])
    assert spent["fitting"] == pytest.approx(4)
    assert spent["imports"] == pytest.approx(1.375)
    assert spent["interpreters"] == pytest.approx(0.25)
    assert spent["files of models and metrics"] == pytest.approx(1.875)
    assert spent["DVC"] == pytest.approx(2.5)
