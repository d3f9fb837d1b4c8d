"""The models that both contract suites ask."""

from __future__ import annotations

import pytest

from marquee.recommenders.base import Recommender
from tests.recommenders.cases import CASES
from tests.recommenders.test_contract import fitted


@pytest.fixture(scope="session")
def models() -> dict[str, Recommender]:
    return {name: fitted(name) for name in CASES}
