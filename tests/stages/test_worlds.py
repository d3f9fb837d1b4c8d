"""A simulated world in another release's format goes through the same stages."""

from __future__ import annotations

import json


def test_half_stars_in_the_newer_format_are_ingested_on_their_own_scale(workshop):
    workshop.set({"simulate": {"format": "ml-32m", "half_stars": True}})
    for stage in ("download", "ingest"):
        done = workshop.stage(stage)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (workshop / "data/raw").iterdir()) == [
        "movies.csv",
        "ratings.csv",
        "truth.safetensors",
    ]
    card = json.loads((workshop / "data/dataset.json").read_text())
    assert card["scale"] == {"low": 0.5, "high": 5, "step": 0.5}
    assert 3.5 in card["histogram"]["rating"]
    assert card["ratings"] == 2400
