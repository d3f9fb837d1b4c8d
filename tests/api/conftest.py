"""The sample as a data set, its parts and a model of it."""

from __future__ import annotations

import pytest

import marquee as mq
from tests.api.sample import movies_frame, ratings_frame


@pytest.fixture(scope="session")
def data() -> mq.Dataset:
    return mq.load(ratings_frame(), movies_frame())


@pytest.fixture(scope="session")
def parts(data):
    return mq.split(data, "leave_last_out", positive_threshold=4)


@pytest.fixture(scope="session")
def model(parts):
    return mq.EASE(regularization=3).fit(*parts[:2])
