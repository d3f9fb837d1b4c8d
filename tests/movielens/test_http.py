"""What came over the network is never lost and never mixed up."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from marquee.errors import MarqueeError
from marquee.movielens import http
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
