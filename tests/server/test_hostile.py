"""Hostile visitors: each gets the right status, leaves no trace in a page, and the server lives."""

from __future__ import annotations

import asyncio
import json
import resource
import socket

import pytest

from marquee.server import guard
from marquee.server.guard import Guard, Limits
from tests.cli.small_project import build
from tests.server.conftest import Server, rated

MARK = "xssq7mark"
HTML = f"<script>alert('{MARK}')</script>"
SQL = f"'; DROP TABLE ratings; -- {MARK}"
GOOD = {"ratings": rated((1, 5)), "model": "ease"}
TEXT = {"Content-Type": "text/plain"}


CHUNKED = b"POST /api/recommend HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"


def movie(number: bytes, rating: bytes = b"5") -> bytes:
    return b'{"model":"ease","ratings":[{"movie":%s,"rating":%s}]}' % (number, rating)


def deep(letter: str, n: int = 50_000) -> bytes:
    return letter.encode() * n


ASKED = {  # (path, body, status), and headers or a method where they matter
    "ids beyond the catalogue": ("/api/recommend", {**GOOD, "ratings": rated((10**9, 5))}, 422),
    "an id of a thousand digits": ("/api/recommend", movie(b"9" * 1000), 422),
    "a negative id": ("/api/recommend", {**GOOD, "ratings": rated((-1, 5))}, 422),
    "an id of another type": ("/api/recommend", {**GOOD, "ratings": rated(([1], 5))}, 422),
    "true as an id": ("/api/recommend", {**GOOD, "ratings": rated((True, 5))}, 422),
    "an id of HTML": ("/api/recommend", {**GOOD, "ratings": rated((HTML, 5))}, 422),
    "NaN": ("/api/recommend", movie(b"1", b"NaN"), 422),
    "infinity": ("/api/recommend", movie(b"1", b"1e999"), 422),
    "a rating off the scale": ("/api/recommend", {**GOOD, "ratings": rated((1, 6))}, 422),
    "a rating between two steps": ("/api/recommend", {**GOOD, "ratings": rated((1, 4.4))}, 422),
    "a rating of text": ("/api/recommend", {**GOOD, "ratings": rated((1, "5"))}, 422),  # type: ignore[arg-type]
    "no ratings": ("/api/recommend", {**GOOD, "ratings": []}, 422),
    "too many ratings": ("/api/recommend", {**GOOD, "ratings": rated(*[(1, 5)] * 1001)}, 422),
    "a field more": ("/api/recommend", {**GOOD, HTML: 1}, 422),
    "more ratings than any movie has": ("/api/recommend", {**GOOD, "min_ratings": 10**9}, 200),
    "k of a million": ("/api/recommend", {**GOOD, "k": 10**6}, 422),
    "a model of HTML": ("/api/recommend", {**GOOD, "model": HTML}, 422),
    "a path as a model": ("/api/recommend", {**GOOD, "model": "../../etc/passwd"}, 422),
    "a model that is not served": ("/api/recommend", {**GOOD, "model": "ials"}, 422),
    "a genre of HTML": ("/api/recommend", {**GOOD, "genres": [HTML]}, 422),
    "too many genres": ("/api/recommend", {**GOOD, "genres": ["Drama"] * 11}, 422),
    "SQL as a genre": ("/api/recommend", {**GOOD, "genres": [SQL]}, 422),
    "HTML as one of two models": ("/api/recommend", {**GOOD, "model": None, "models": ["ease", HTML]}, 422),
    "SQL among the movies to hide": ("/api/recommend", {**GOOD, "hide": [SQL]}, 422),
    "HTML as a filter": ("/api/recommend", {**GOOD, "min_ratings": HTML}, 422),
    "a byte that is no text": ("/api/recommend", b'{"model":"\xff\xfe"}', 400),
    "half a surrogate as a movie": ("/api/recommend", movie(b'"\\ud800"'), 422),
    "SQL as a model in the address": ("/api/similar/1?model=" + SQL.replace(" ", "%20"), None, 422),
    "HTML as a number in the address": ("/api/movies?q=a&k=%3Cscript%3E" + MARK, None, 422),
    "a compressed body": ("/api/recommend", b"\x1f\x8b\x08\x00", 400, {"Content-Encoding": "gzip"}),
    "a forged visitor's page": ("/visitor/" + "%3Cscript%3E".ljust(40, "x"), None, 422),
    "a forged visitor who forgets": ("/api/visitors/..%2f..%2f", None, 404),
    "years of text": ("/api/recommend", {**GOOD, "years": [SQL, None]}, 422),
    "deep lists": ("/api/recommend", deep("["), 400),
    "deep objects": ("/api/recommend", deep('{"a":', 20_000), 400),
    "no JSON": ("/api/recommend", b"\x00\xff\xfe", 400),
    "a body of another type": ("/api/recommend", GOOD, 415, TEXT),
    "an oversized body": ("/api/recommend", deep(" ", 300_000), 413),
    "SQL in a title": (f"/api/movies?q={SQL.replace(' ', '%20')}", None, 200),
    "HTML in a title": ("/api/movies?q=%3Cscript%3E" + MARK, None, 200),
    "a title of a thousand letters": ("/api/movies?q=" + "a" * 1000, None, 422),
    "a path up": ("/api/similar/..%2f..%2fetc%2fpasswd?model=ease", None, 404),
    "a path up in the assets": ("/assets/..%2f..%2fserver%2fapp.py", None, 404),
    "a file of the project": ("/data/feedback/feedback.sqlite", None, 404),
    "a NUL in the path": ("/api/similar/1%00?model=ease", None, 404),
    "a movie of SQL": ("/api/similar/1'%20OR%201=1?model=ease", None, 404),
    "a forged visitor": ("/api/visitors/1", None, 422),
    "a visitor of SQL": ("/api/visitors/" + "'%20OR%20'1'='1".ljust(30, "x"), None, 422),
    "a visitor with a wildcard": ("/api/visitors/" + "%25" * 30, None, 422),
    "a forged visitor who rates": ("/api/ratings", {"visitor": "admin", "ratings": rated((1, 5))}, 422),
    "SQL as a rated movie": ("/api/ratings", {"ratings": rated((SQL, 5))}, 422),
    "HTML as the model that showed it": ("/api/ratings", {"ratings": rated((1, 5)), "model": HTML}, 422),
    "a position of text": ("/api/ratings", {"ratings": [{"movie": 1, "rating": 5, "position": HTML}]}, 422),
    "a page of another origin": ("/api/ratings", {"ratings": rated((1, 5))}, 403, {"Origin": "http://evil.example"}),
    "an origin of null": ("/api/ratings", {"ratings": rated((1, 5))}, 403, {"Origin": "null"}),
    "a name that was bound to this address": ("/api/models", None, 421, {"Host": "evil.example"}),
    "another method": ("/api/models", {}, 405, {}),
    "a length that is no number": ("/healthz", b"", 400, {"Content-Length": "-5"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ASKED)
def test_each_gets_the_right_status_and_the_server_lives(server, kind):
    path, body, expected, *headers = ASKED[kind]
    status, found, told = server.ask(path, body, **(headers[0] if headers else {}))
    assert status == expected, found
    assert MARK not in json.dumps(found) or told["content-type"] != "text/html; charset=utf-8"
    if status != 200 and isinstance(found, dict):
        assert found["status"] == status
        assert b"<" not in server.raw
    assert server.ask("/healthz")[0] == 200


def test_none_of_them_left_a_trace(server):
    before = len(server.ask(f"/api/visitors/{'t' * 40}")[1]["ratings"])
    for path in ("/", "/docs", "/openapi.json", "/api/models", "/metrics"):
        found = server.ask(path)[1]
        assert MARK not in (found if isinstance(found, str) else json.dumps(found))
    assert before == 0
    assert server.ask("/api/ratings", {"visitor": "t" * 40, "ratings": rated((1, 5))})[0] == 201


def sent(port: int, data: bytes, wait: float = 5) -> bytes:
    """What comes back on a raw connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as one:
        one.sendall(data)
        found = b""
        while part := one.recv(65536):
            found += part
        return found


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"a" * 70_000, 431),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n",
            400,
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400),
        (CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n", 400),
        (CHUNKED + b"\r\nzz\r\n", 400),
    ],
    ids=["no HTTP", "endless headers", "two lengths", "TLS", "NUL", "length and chunks", "no chunk"],
)
def test_what_is_no_request_is_refused_at_once(server, data, status):
    head, _, body = sent(server.port, data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status)
    assert json.loads(body)["status"] == status
    assert server.ask("/healthz")[0] == 200


def asked(limits: Limits, headers: dict[str, str], body: list[bytes] = [], wait: float = 0) -> int:  # noqa: B006
    """The status of a request to a guarded application that answers 200."""
    parts, statuses = list(body), []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        await asyncio.sleep(wait)
        return {"type": "http.request", "body": parts.pop(0) if parts else b"", "more_body": bool(parts)}

    async def send(message):
        statuses.append(message.get("status"))

    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/api/models", "headers": named, "client": ("10.0.0.1", 1)}
    asyncio.run(Guard(application, limits, lambda *_: None)(scope, receive, send))
    return statuses[0]


def test_a_slow_body_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "SLOWEST", 0.05)
    headers = {"Host": "localhost", "Content-Length": "9", "Content-Type": "application/json"}
    assert asked(Limits(), headers, [b"123", b"456", b"789"]) == 200
    assert asked(Limits(), headers, [b"123", b"456", b"789"], wait=0.04) == 408


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Basic right"}, 401),
        ({"Cookie": "marquee_token=wrong; other=right"}, 401),
        ({"Authorization": "Bearer right"}, 200),
        ({"Cookie": "other=wrong; marquee_token=right"}, 200),
    ],
)
def test_a_token_is_asked_for(headers, status):
    limits = Limits(token="right", hosts=())
    assert asked(limits, {"Host": "films.example", **headers}) == status


def test_the_rate_of_an_address_is_limited_and_recovers(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(guard.time, "monotonic", lambda: now[0])
    rates = guard.Rates(10)
    assert [rates.allows("a") for _ in range(25)] == [True] * 20 + [False] * 5
    assert rates.allows("b")
    now[0] = 0.5
    assert [rates.allows("a") for _ in range(6)] == [True] * 5 + [False]
    for number in range(guard.ADDRESSES + 10):
        rates.allows(str(number))
    assert len(rates._left) == guard.ADDRESSES


@pytest.mark.slow
def test_ten_thousand_connections_and_slow_headers_end_and_others_are_answered(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11_000:
        pytest.skip(f"this system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (11_000, hard))
    server, held = Server(build(tmp_path), "--rate-limit", "0"), []
    try:
        for number in range(10_000):
            one = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            if number % 2:
                one.sendall(b"GET / HTTP/1.1\r\nHost: ")
            held.append(one)
        ended = 0
        for one in held:
            one.settimeout(20)
            try:
                ended += one.recv(100)[:12] in (b"HTTP/1.1 408", b"HTTP/1.1 503", b"")
            except ConnectionError:
                ended += 1
        assert ended == 10_000
        assert server.ask("/healthz")[0] == 200
    finally:
        for one in held:
            one.close()
        server.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
