"""How much memory there is: what is allowed, what the machine has, what its container leaves of it."""

from __future__ import annotations

import pytest

from marquee.errors import MarqueeError
from marquee.resources.memory_limit import GIB, memory_limit


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Files as Linux has them: 8 GiB available."""
    monkeypatch.delenv("MARQUEE_MEMORY", raising=False)

    def put(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    put(proc__meminfo="MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nHugePages_Free: 0\n")
    return tmp_path, put


def test_what_the_machine_has_left(machine):
    root, _ = machine
    assert memory_limit(root).bytes == 8 * GIB


def test_a_container_of_version_2_leaves_less_and_its_file_pages_count_as_free(machine):
    root, put = machine
    put(
        sys__fs__cgroup__memory_dot_max=f"{4 * GIB}\n",
        sys__fs__cgroup__memory_dot_current=f"{3 * GIB}\n",
        sys__fs__cgroup__memory_dot_stat=f"anon {GIB}\ninactive_file {2 * GIB}\n",
    )
    assert memory_limit(root).bytes == 3 * GIB


def test_a_container_without_a_limit_of_its_own_has_the_machines(machine):
    root, put = machine
    put(sys__fs__cgroup__memory_dot_max="max\n", sys__fs__cgroup__memory_dot_current=f"{3 * GIB}\n")
    assert memory_limit(root).bytes == 8 * GIB


def test_a_container_of_version_1(machine):
    root, put = machine
    put(
        sys__fs__cgroup__memory__memory_dot_limit_in_bytes=f"{2 * GIB}\n",
        sys__fs__cgroup__memory__memory_dot_usage_in_bytes=f"{GIB}\n",
    )
    assert memory_limit(root).bytes == GIB


def test_what_the_user_allows_goes_before_all(machine, monkeypatch):
    monkeypatch.setenv("MARQUEE_MEMORY", "2.5")
    limit = memory_limit(machine[0])
    assert limit.bytes == 2.5 * GIB
    assert limit.words == "MARQUEE_MEMORY allows 2.5 GiB"


@pytest.mark.parametrize("text", ["much", "0", "-1", "nan"])
def test_an_allowance_that_is_no_number_of_gib(text, machine, monkeypatch):
    monkeypatch.setenv("MARQUEE_MEMORY", text)
    with pytest.raises(MarqueeError, match="MARQUEE_MEMORY"):
        memory_limit(machine[0])


def test_where_nothing_is_known_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("MARQUEE_MEMORY", raising=False)
    assert memory_limit(tmp_path) is None
