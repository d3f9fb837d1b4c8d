"""The file that is written: nothing in it is taken for markup, and nothing of it may send anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import numpy as np
import pyarrow as pa

from marquee.demo import content, page
from marquee.movielens.schema import COUNTS, Scale

MOVIES = pa.table(
    {
        "movie_id": [3, 5, 9],
        "title": ["</script><script>alert(1)</script>", None, "Amélie\u2028"],
        "year": pa.array([1999, None, 2001], pa.int16()),
        "genres": [["War", "Drama"], [], ["Drama"]],
        "imdb_id": pa.array([1, None, 2], pa.int32()),
        "tags": pa.array([["war", "</script>", "a", "b", "c"], ["d"], ["a"]], pa.list_(pa.string())),
    }
)
KNOWN = content.page_data("<mine>", Scale(1, 5, 1), 4.0, MOVIES, np.array([7, 8, 9]), np.array([0, 2]))


def test_data_stands_in_the_page_as_json_that_ends_no_element():
    html = page.render({**KNOWN, "api": ""}, "A & B")
    blocks = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert len(blocks) == 1
    assert "<" not in blocks[0]
    assert "\u2028" not in blocks[0]
    data = json.loads(blocks[0])
    assert data["movies"]["title"] == [MOVIES["title"][0].as_py(), MOVIES["title"][2].as_py()]
    assert data["movies"]["genres"] == [[1, 0], [0]]
    assert (data["movies"]["ratings"], data["movies"]["imdb"]) == ([7, 9], [1, 2])
    assert data["movies"]["tag_names"] == ["</script>", "a", "b"]
    assert data["movies"]["tags"] == [[0, 1, 2], [1]]
    assert "tmdb" not in data["movies"]
    assert "A &amp; B" in html


def test_the_policy_names_the_style_and_the_script_of_the_page_and_allows_no_connection():
    html = page.render(KNOWN, "Marquee")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    for name in ("style", "script"):
        (text,) = re.findall(rf"<{name}>(.*?)</{name}>", html, re.S)
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{hashed}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "connect-src" not in policy
    assert not re.search(r'(?:src|href)="(?!#)', html)
    assert " style=" not in html
    assert not re.search(r"\son\w+=", html)


def test_a_server_serves_the_same_files_beside_the_page():
    html = page.render({"data": "x", "api": ""}, "Marquee", assets="static/")
    assert "<style>" not in html
    assert "Content-Security-Policy" not in html
    named = re.findall(r'(?:src|href)="static/([^"]+)"', html)
    assert named == [page.STYLE, *page.SCRIPTS]
    assert all((page.HERE / name).is_file() for name in named)


def test_counts_are_no_scale():
    known = content.page_data("x", COUNTS, COUNTS.low, MOVIES, np.array([1, 2, 3]), np.arange(3))
    assert known["scale"] is None
    json.loads(page.as_json(known))
