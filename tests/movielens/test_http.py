"""What came over the network is never lost and never mixed up."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.movielens import connection, http
from tests.movielens.file_server import closed_address, serving

BODY = np.random.default_rng(1).bytes(200_000)
OTHER = np.random.default_rng(2).bytes(150_000)
ADVICE = "set dataset.source"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(http, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(http, "TIMEOUT", 0.5)
    with serving(BODY) as running:
        yield running


@pytest.fixture
def partial(tmp_path):
    return tmp_path / "scratch" / "ml-100k.zip.partial"


def fetch(server, partial, limit=1_000_000):
    http.fetch(server.url(), partial, limit, ADVICE, show_progress=False)


def fault(server, partial, **options):
    """The one line that a failing fetch ends in."""
    with pytest.raises(MarqueeError) as caught:
        fetch(server, partial, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert server.url() in line
    assert line.endswith(ADVICE)
    return line


def left(partial):
    return sorted(path.name for path in partial.parent.iterdir())


def leave_half(server, partial, half=60_000):
    """What a run leaves that is stopped after `half` bytes."""
    server.cuts = [half] + [0] * len(http.PAUSES)
    assert f"{half:,} bytes" in fault(server, partial)
    assert partial.read_bytes() == BODY[:half]
    server.asked.clear()


@pytest.mark.parametrize("length", [True, False])
def test_a_file_arrives_whole_whether_or_not_its_length_is_told(server, partial, length):
    server.length = length
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert server.asked == [None]
    http.discard(partial)
    assert left(partial) == []


def test_a_broken_connection_is_taken_up_where_it_broke(server, partial):
    server.cuts = [60_000, 10_000]
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert server.asked == [None, "bytes=60000-", "bytes=70000-"]


def test_a_server_without_ranges_sends_all_of_it_again(server, partial):
    server.ranges, server.cuts = False, [60_000]
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert server.asked == [None, "bytes=60000-"]


def test_a_server_that_never_gets_to_the_end_is_given_up(server, partial):
    server.ranges, server.cuts = False, [60_000] * 20
    assert "the connection closed early" in fault(server, partial)
    assert len(server.asked) == 1 + len(http.PAUSES)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_process_loses_nothing(server, partial, death):
    server.cuts, server.stalls = [60_000], True
    program = (
        "import signal, sys; from pathlib import Path; from marquee.movielens.http import fetch;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # a background job is born deaf to it
        "fetch(sys.argv[1], Path(sys.argv[2]), 1_000_000, '', show_progress=False)"
    )
    command = [sys.executable, "-c", program, server.url(), str(partial)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while (not partial.exists() or partial.stat().st_size < 60_000) and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(death)
    assert process.returncode != 0
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert server.asked == [None, "bytes=60000-"]


def test_what_is_complete_is_not_asked_for_again(server, partial):
    fetch(server, partial)
    fetch(server, partial)
    assert server.asked == [None]


@pytest.mark.parametrize("size", [len(BODY), 150_000, 30_000])
def test_a_file_that_changed_on_the_server_starts_over(server, partial, size):
    leave_half(server, partial)
    server.body, server.etag = OTHER.ljust(size, b".")[:size], '"2"'
    fetch(server, partial)
    assert partial.read_bytes() == server.body


def test_a_part_of_another_address_is_not_gone_on_from(server, partial):
    leave_half(server, partial)
    server.body = OTHER
    http.fetch(server.url("other.zip"), partial, 1_000_000, ADVICE, show_progress=False)
    assert partial.read_bytes() == OTHER
    assert server.asked == [None]


def test_bytes_of_unknown_origin_are_not_gone_on_from(server, partial):
    partial.parent.mkdir()
    partial.write_bytes(b"whatever")
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert server.asked == [None]


def test_a_refusal_is_final_and_leaves_nothing(server, partial):
    server.statuses = [404] * 9
    assert "the server answers 404 Not Found" in fault(server, partial)
    assert server.asked == [None]
    assert left(partial) == []


def test_what_a_server_says_cannot_steer_a_terminal(partial, monkeypatch):
    monkeypatch.setattr(http, "PAUSES", ())
    for answer in (b"HTTP/1.0 404 \x1b[31mred\r\n\r\n", b"\x1b]0;title\x07\r\n\r\n"):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=lambda s=listening, a=answer: s.accept()[0].sendall(a))
            thread.start()
            address = f"http://127.0.0.1:{listening.getsockname()[1]}/a.zip"
            with pytest.raises(MarqueeError) as caught:
                http.fetch(address, partial, 1_000_000, ADVICE, show_progress=False)
            thread.join()
        assert str(caught.value).isprintable()


def test_a_busy_server_is_asked_again(server, partial):
    server.statuses = [503, 429]
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert len(server.asked) == 3


def test_silence_ends_and_what_came_is_kept(server, partial):
    server.cuts, server.stalls = [60_000, 0, 0, 0], True
    line = fault(server, partial)
    assert "timed out" in line
    assert "60,000 bytes are kept for the next run" in line
    assert partial.read_bytes() == BODY[:60_000]


@pytest.mark.usefixtures("server")
def test_without_a_network_one_line_says_so(partial):
    address = closed_address("ml-100k.zip")
    with pytest.raises(MarqueeError) as caught:
        http.fetch(address, partial, 1_000_000, ADVICE, show_progress=False)
    assert str(caught.value) == f"{address} could not be fetched (Connection refused): {ADVICE}"
    assert left(partial) == []


@pytest.mark.parametrize("length", [True, False])
def test_more_bytes_than_there_can_be_are_refused(server, partial, length):
    server.length = length
    assert "more than 100,000 bytes" in fault(server, partial, limit=100_000)
    assert left(partial) == []


def test_a_disk_that_takes_no_more_is_not_taken_for_a_broken_connection(server, partial):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            fetch(server, partial)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert server.asked == [None]
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    assert server.asked == [None, "bytes=100000-"]


@pytest.mark.parametrize("length", [True, False])
def test_a_byte_now_and_then_is_given_up(server, partial, monkeypatch, length):
    monkeypatch.setattr(connection, "WINDOW", 0.1)
    server.drip, server.length, server.ranges = 0.01, length, False
    line = fault(server, partial)
    assert "fewer than 120 KiB came in" in line
    assert "bytes are kept for the next run" in line
    assert len(server.asked) == 1 + len(http.PAUSES)


def test_a_slow_header_is_given_up(partial, monkeypatch):
    monkeypatch.setattr(connection, "WINDOW", 0.1)
    monkeypatch.setattr(http, "PAUSES", ())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def answer():
            taken, _ = listening.accept()
            with taken, contextlib.suppress(OSError):
                for byte in b"HTTP/1.0 200 OK\r\nX: " + b"x" * 60_000:
                    taken.send(bytes([byte]))
                    if over.wait(0.01):
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/a.zip"
        with pytest.raises(MarqueeError, match="fewer than 120 KiB came in"):
            http.fetch(address, partial, 1_000_000, ADVICE, show_progress=False)
        over.set()
        thread.join()


def test_all_tries_together_have_a_limit(server, partial, monkeypatch):
    monkeypatch.setattr(http, "LONGEST", 0.0)
    assert "it took more than 0 hours" in fault(server, partial)
    assert server.asked == [None]


def test_redirects_are_followed_to_http_alone(server, partial):
    server.moved = {"/ml-100k.zip": server.url("elsewhere.zip")}
    fetch(server, partial)
    assert partial.read_bytes() == BODY
    http.discard(partial)
    for address in (
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "data:,x",
        "gopher://x",
        "http://a\0b/",
        "http://[/",
    ):
        server.moved = {"/ml-100k.zip": address}
        line = fault(server, partial)
        assert "redirects in a circle, or to what is not http(s)" in line or "leads to no valid" in line, (
            address
        )
        assert left(partial) == []


def test_redirects_in_a_circle_end(server, partial):
    server.moved = {"/ml-100k.zip": server.url("b"), "/b": server.url()}
    assert "redirects in a circle" in fault(server, partial)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "ftp://example.org/a.zip",
            "file:///etc/passwd",
            "http://",
            "http:///a.zip",
            "http://exa mple.org/",
        ),
        *(
            "http://[::1/a.zip",
            "http://example.org:port/a.zip",
            "http://a\0b/",
            "https://\n.org/",
            "gopher://x/",
        ),
        "http://" + "a" * 70 + ".org/a.zip",
    ],
)
def test_what_is_no_http_address_is_refused_at_once(partial, monkeypatch, address):
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_: host.encode("idna") and None)
    with pytest.raises(MarqueeError) as caught:
        http.fetch(address, partial, 1000, ADVICE, show_progress=False)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()


def test_other_letters_than_ascii_are_escaped(server, partial):
    address = server.url("Ä b/100%25.zip?x=ö")
    http.fetch(address, partial, 1_000_000, ADVICE, show_progress=False)
    assert partial.read_bytes() == BODY


def test_a_password_is_refused_and_shown_nowhere(server, partial):
    for user in (
        "ann:secret",
        "secret",
        "ann:se@cret",
        "ann:secret/",
        "ann:sec?ret",
        "ann:sec#ret",
        "ann:[cret",
    ):
        address = server.url().replace("://", f"://{user}@")
        with pytest.raises(MarqueeError) as caught:
            http.fetch(address, partial, 1000, ADVICE, show_progress=False)
        assert not re.search("sec|ret|ann", str(caught.value))
    assert server.asked == []


def test_a_key_in_the_query_is_shown_and_kept_nowhere(server, partial):
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(MarqueeError) as caught:
        http.fetch(server.url("a.zip?key=secret#secret"), partial, 1_000_000, ADVICE, show_progress=False)
    assert "a.zip?… could not be fetched" in str(caught.value)
    kept = b"".join(path.read_bytes() for path in partial.parent.glob("*.json"))
    assert b"secret" not in kept + str(caught.value).encode()


def test_a_password_of_netrc_goes_to_its_own_host_alone(server, partial, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    fetch(server, partial)
    assert server.headers["Authorization"] == "Basic YW5uOnNlY3JldA=="
    http.discard(partial)
    server.moved = {"/ml-100k.zip": server.url("b.zip").replace("127.0.0.1", "localhost")}
    fetch(server, partial)
    assert "Authorization" not in server.headers
