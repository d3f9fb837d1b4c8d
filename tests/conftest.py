"""What several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def movielens() -> Path:
    """The folder with the real `ml-100k.zip` and `ml-1m.zip`, named by MARQUEE_DATA."""
    folder = os.environ.get("MARQUEE_DATA")
    if not folder:
        pytest.skip("MARQUEE_DATA does not name a folder with ml-100k.zip and ml-1m.zip")
    path = Path(folder)
    assert (path / "ml-1m.zip").is_file(), f"MARQUEE_DATA={folder} has no ml-1m.zip"
    return path
