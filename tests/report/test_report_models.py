"""The part of the report that shows each model by itself."""

from __future__ import annotations

import re

import pytest

from marquee.report.models import models
from tests.report.test_report import sample_content


@pytest.fixture(scope="module")
def parts() -> dict[str, tuple[bool, str]]:
    """model -> whether its part is open, and what stands in it."""
    found = re.findall(
        r"<details( open)?><summary><strong>(.*?)</strong>(.*?)</details>",
        models(sample_content()),
        re.DOTALL,
    )
    return {model: (bool(is_open), inside) for is_open, model, inside in found}


def test_each_model_has_a_part_and_that_of_the_best_of_each_task_is_open(parts):
    assert list(parts) == ["ease", "mf_bce", "popularity", "bias"]
    assert [model for model, (is_open, _) in parts.items() if is_open] == ["ease", "bias"]
    assert "RMSE 0.9412" in parts["bias"][1]


def test_a_part_holds_the_pictures_of_its_model(parts):
    assert "91% of the nearest" in parts["ease"][1]
    assert "Within a star are 74%" in parts["bias"][1]
    assert "there is no map" in parts["popularity"][1]


def test_a_curve_is_told_in_words(parts):
    (ranked,) = re.findall("<figcaption>(.*?)</figcaption>", parts["mf_bce"][1])
    assert ranked == "17 epochs; the weights of epoch 12 were kept, where validation NDCG@10 is best, 0.3800."
    rated, *_ = re.findall("<figcaption>(.*?)</figcaption>", parts["bias"][1])
    assert rated == (
        "4 epochs; the weights of epoch 1 were kept, where validation RMSE is best, 0.3760; on training "
        "ratings it is 0.8900 there, in the last epoch 0.8600 and 0.3790 on validation."
    )


def test_a_model_without_epochs_says_so(parts):
    assert ["Fitted at once" in inside for _, inside in parts.values()] == [True, False, True, False]
