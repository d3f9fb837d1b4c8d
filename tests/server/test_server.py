"""What the server answers: the lists of `marquee recommend`, and to each visitor their own ratings alone."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.cli.small_project import recommend
from tests.server.conftest import rated

MINE = (("Heat (1995)", 1, 5), ("Fargo (1996)", 2, 4), ("Die Hard (1988)", 4, 2))
FILTERS = [
    ({}, []),
    ({"k": 3}, ["--top", "3"]),
    ({"years": [1980, None]}, ["--year-from", "1980"]),
    ({"years": [None, 1990]}, ["--year-to", "1990"]),
    ({"min_ratings": 5}, ["--min-ratings", "5"]),
    ({"min_ratings": 0}, ["--min-ratings", "0"]),
]


@pytest.mark.parametrize(("filters", "words"), FILTERS)
@pytest.mark.parametrize("model", ["ease", "bias"])
def test_a_list_is_that_of_the_command_line(server, monkeypatch, capsys, model, filters, words):
    status, found, _ = server.ask(
        "/api/recommend", {"ratings": rated(*(one[1:] for one in MINE)), "model": model, **filters}
    )
    monkeypatch.chdir(server.folder)
    given = [word for title, _, rating in MINE for word in ("--rate", f"{title}={rating}")]
    rows, _ = recommend(capsys, model, *given, *(words if "--top" in words else ["--top", "20", *words]))
    column = "rating" if model == "bias" else "score"
    assert status == 200
    assert [(one["movie"], one["title"], one["year"], one["score"]) for one in found["items"]] == [
        (row["movie_id"], row["title"], row["year"], row[column]) for row in rows
    ]


def test_the_ratings_that_raised_a_score_come_with_it(server):
    asked = {"ratings": rated(*(one[1:] for one in MINE)), "model": "ease"}
    _, found, _ = server.ask("/api/recommend", asked)
    reasons = [one["why"] for one in found["items"]]
    assert any(reasons)
    for why in reasons:
        assert {one["movie"] for one in why} <= {1, 2}  # the third is no positive
        assert all(0 < one["share"] <= 1 for one in why)
        assert [one["share"] for one in why] == sorted((one["share"] for one in why), reverse=True)
        assert sum(one["share"] for one in why) <= 1.001
    _, bare, _ = server.ask("/api/recommend", {**asked, "why": False})
    assert [one["movie"] for one in bare["items"]] == [one["movie"] for one in found["items"]]
    assert not any("why" in one for one in bare["items"])


def test_hidden_movies_are_not_listed(server):
    asked = {"ratings": rated((1, 5)), "model": "ease"}
    everything = {one["movie"] for one in server.ask("/api/recommend", asked)[1]["items"]}
    fewer = {one["movie"] for one in server.ask("/api/recommend", {**asked, "hide": [2, 3]})[1]["items"]}
    assert everything - fewer == {2, 3}


def test_two_models_side_by_side_are_those_of_the_command_line(server, monkeypatch, capsys):
    asked = {"ratings": rated((1, 5), (2, 4)), "models": ["ease", "bias"], "k": 3}
    _, found, _ = server.ask("/api/recommend", asked)
    monkeypatch.chdir(server.folder)
    given = ["--rate", "Heat=5", "--rate", "Fargo=4", "--top", "3"]
    rows, _ = recommend(capsys, "--models", "ease,bias", *given)
    assert [(one["movie"], one["models"]) for one in found["items"]] == [
        (
            row["movie_id"],
            {
                "ease": {"score": row["ease_score"], "rank": row["ease_rank"]},
                "bias": {"score": row["bias_rating"], "rank": row["bias_rank"]},
            },
        )
        for row in rows
    ]


def test_models_movies_and_similar_movies(server):
    _, found, _ = server.ask("/api/models")
    assert [one["name"] for one in found["models"]] == ["ease", "bias"]
    assert found["scale"] == {"low": 1, "high": 5, "step": 1}
    _, found, _ = server.ask("/api/movies?q=heta")
    assert found["items"] == [{"movie": 1, "title": "Heat", "year": 1995, "genres": []}]
    status, found, _ = server.ask("/api/similar/1?model=ease&k=3")
    assert (status, len(found["items"])) == (200, 3)
    assert 1 not in {one["movie"] for one in found["items"]}
    assert server.ask("/healthz")[1]["status"] == "ok"


def test_the_pages_describe_themselves_and_run_no_script_of_others(server):
    for path in ("/", "/docs"):
        status, text, headers = server.ask(path)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert all(path in text for path in ("/api/recommend", "min_ratings", "/api/visitors/{visitor}"))
    assert "access-control-allow-origin" not in headers
    assert server.ask("/openapi.json")[1]["paths"].keys() >= {"/api/recommend", "/metrics"}


def test_metrics_count_by_route_and_name_no_visitor(server):
    token = "m" * 43
    server.ask(f"/api/visitors/{token}")
    server.ask("/api/similar/nonesuch?model=ease")
    text = server.ask("/metrics")[1]
    assert 'marquee_requests_total{route="/api/visitors/{visitor}",status="200"}' in text
    assert "\nmarquee_swaps " in text
    assert token not in text
    assert "nonesuch" not in text


def test_a_visitor_gets_a_token_and_nobody_else_sees_their_ratings(server):
    status, mine, _ = server.ask("/api/ratings", {"ratings": rated((1, 5), (2, 3)), "model": "ease"})
    assert (status, mine["stored"]) == (201, 2)
    token = mine["visitor"]
    other = server.ask("/api/ratings", {"visitor": "o" * 32, "ratings": rated((3, 4))})[1]
    assert other["visitor"] == "o" * 32
    found = server.ask(f"/api/visitors/{token}")[1]["ratings"]
    assert [(one["movie"], one["title"], one["rating"], one["model"]) for one in found] == [
        ("1", "Heat (1995)", 5, "ease"),
        ("2", "Fargo (1996)", 3, "ease"),
    ]
    database = server.folder / "data/feedback/feedback.sqlite"
    assert database.stat().st_mode & 0o077 == 0
    stored = b"".join(path.read_bytes() for path in database.parent.glob("feedback.sqlite*"))
    assert token.encode() not in stored
    assert "2 ratings" in server.ask(f"/visitor/{token}")[1]
    assert server.ask(f"/api/visitors/{token}", method="DELETE")[1] == {"deleted": 2}
    assert server.ask(f"/api/visitors/{token}")[1] == {"ratings": []}
    assert len(server.ask(f"/api/visitors/{'o' * 32}")[1]["ratings"]) == 1


def test_the_page_of_a_visitor_deletes_what_it_shows(server):
    token = "p" * 32
    server.ask("/api/ratings", {"visitor": token, "ratings": rated((3, 4))})
    host = {"Origin": f"http://127.0.0.1:{server.port}"}
    assert server.ask(f"/visitor/{token}", b"", "POST", **host)[0] == 200
    assert server.ask(f"/api/visitors/{token}")[1] == {"ratings": []}


def test_a_rating_that_is_taken_back_and_its_position_are_stored(server):
    token = "b" * 32
    given = [{"movie": 3, "rating": 4, "position": 7}, {"movie": 3, "rating": None}]
    assert server.ask("/api/ratings", {"visitor": token, "ratings": given})[0] == 201
    with sqlite3.connect(server.folder / "data/feedback/feedback.sqlite") as database:
        rows = database.execute("select rating, position, dataset from ratings where movie = '3'").fetchall()
    assert rows[-2:] == [(4, 7, "custom"), (None, None, "custom")]


def test_a_fault_is_one_line_of_problem_json(server):
    status, found, headers = server.ask("/api/recommend", {"ratings": rated((1, 9)), "model": "ease"})
    assert (status, headers["content-type"]) == (422, "application/problem+json")
    assert found["detail"] == "the rating 9 of movie 1 is off the scale: give one from 1 to 5 in steps of 1"
    assert "\n" not in json.dumps(found)
