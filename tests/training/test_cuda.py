"""On a GPU every network trains to what it does on the processor; without one, tests are skipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.recommenders.cases import CASES
from tests.recommenders.test_contract import EVERYONE, fitted

NETWORKS = [
    name for name, (algorithm, *_) in CASES.items() if algorithm in ("mf_bce", "neural_mf", "autorec")
]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_fit_on_a_gpu_is_that_of_the_processor(name):
    """A few epochs, whose sums differ in the last bits only; sums of a GPU have the same bytes each time."""
    options = CASES[name][2] | {"epochs": 3}
    slow, fast, again = (
        fitted(name, options=options | {"device": device}).scores(EVERYONE)
        for device in ("cpu", "cuda", "cuda")
    )
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(fast, again)
