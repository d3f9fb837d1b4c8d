"""A visitor rates, the ratings are exported, and the next run has learned from them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marquee.io import read_parquet
from tests.cli.conftest import asked
from tests.server.conftest import Server, rated, until
from tests.stages.conftest import Project, finished, project  # noqa: F401

SPLITS = ("rating/train", "rating/val", "rating/test", "ranking/train", "ranking/val", "ranking/test")


def rows(place: Project, name: str, users: int) -> bytes:
    """The bytes of a part's rows of the first `users`."""
    table = read_parquet(place / f"data/{name}.parquet")
    kept = table.filter(np.asarray(table["user"]) < users)
    return b"".join(np.ascontiguousarray(kept[column]).tobytes() for column in kept.column_names)


def ran(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


@pytest.mark.slow
def test_a_run_learns_from_visitors_and_leaves_everyone_else_where_they_were(project):  # noqa: F811
    users = len(read_parquet(project / "data/users.parquet"))
    before = {name: rows(project, name, users) for name in SPLITS}
    scale = json.loads((project / "data/dataset.json").read_text())["scale"]
    server = Server(project.folder, "--rate-limit", "0")
    try:
        liked = [one["movie"] for one in server.ask("/api/movies?q=the&k=100")[1]["items"]][:12]
        taste = rated(*((movie, scale["high"]) for movie in liked))
        for number in range(8):  # visitors of one unusual taste
            status, found, _ = server.ask("/api/ratings", {"ratings": taste[number % 3 :], "model": "ease"})
            assert (status, found["stored"]) == (201, len(taste) - number % 3)
        once = server.ask("/api/recommend", {"ratings": taste[:4], "model": "ease", "k": 100})[1]["items"]
        assert "8 visitors" in asked(project, "feedback", "export")
        exported = (project / "data/feedback/ratings.parquet").read_bytes()
        done = ran(project.repro())
        assert "ingest" in done
        assert not {"check", "download"} & done
        after = {name: rows(project, name, users) for name in SPLITS}
        assert after == before
        ids = read_parquet(project / "data/users.parquet")["user_id"].to_pylist()
        assert len(ids) == users + 8
        train = read_parquet(project / "data/ranking/train.parquet")
        assert (np.bincount(np.asarray(train["user"]))[users:] > 0).all()
        assert ran(project.repro()) == set()
        until(server.swaps)
        again = server.ask("/api/recommend", {"ratings": taste[:4], "model": "ease", "k": 100})[1]["items"]
        places = [{one["movie"]: at for at, one in enumerate(each)} for each in (once, again)]
        moved = [each.get(movie, 100) for each in places for movie in liked[4:]]
        assert np.mean(moved[8:]) < np.mean(moved[:8]) - 10  # these visitors like them together
        asked(project, "feedback", "export")
        assert (project / "data/feedback/ratings.parquet").read_bytes() == exported
    finally:
        server.stop()
    (project / "data/feedback/ratings.parquet").unlink()
    project.repro()
    assert len(read_parquet(project / "data/users.parquet")) == users
