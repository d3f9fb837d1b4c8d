"""What several test files share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from marquee.engine import session
from marquee.errors import MarqueeError
from tests.browser import Page, chromium

# The same examples each time, so that a red run is a change's; MARQUEE_RANDOM_EXAMPLES=1 looks for new ones.
settings.register_profile("marquee", deadline=None, derandomize="MARQUEE_RANDOM_EXAMPLES" not in os.environ)
settings.load_profile("marquee")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of Spark, with one reason, where it cannot start."""
    try:
        session._require_java()
    except MarqueeError as error:
        for item in items:
            if item.get_closest_marker("spark"):
                item.add_marker(pytest.mark.skip(reason=str(error)))


@pytest.fixture(scope="session")
def movielens() -> Path:
    """The folder with the real `ml-100k.zip` and `ml-1m.zip`, named by MARQUEE_DATA."""
    folder = os.environ.get("MARQUEE_DATA")
    if not folder:
        pytest.skip("MARQUEE_DATA does not name a folder with ml-100k.zip and ml-1m.zip")
    path = Path(folder)
    assert (path / "ml-1m.zip").is_file(), f"MARQUEE_DATA={folder} has no ml-1m.zip"
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page
