"""What comes out of a zip is the release, whole, and in no other place."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from marquee.errors import MarqueeError
from marquee.movielens.archives import MEMBERS, extract
from tests.movielens.release_files import FILES, contents, zipped

SMALL = {"u.data": b"1\t2\t3\n" * 9, "u.item": b"2|Film\n"}


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "data" / "raw"
    folder.mkdir(parents=True)
    return folder


def unpack(target, archive: bytes, limit=1_000_000):
    path = target.parent / "it.zip"
    path.write_bytes(archive)
    try:
        extract(path, target, ["u.data", "u.item"], limit, "it.zip")
    finally:
        path.unlink()


def fault(target, archive: bytes, **options):
    """The one line that a bad archive ends in; nothing is written outside the folder."""
    with pytest.raises(MarqueeError) as caught:
        unpack(target, archive, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("it.zip ")
    assert "get " in line
    assert [path.name for path in target.parent.iterdir()] == ["raw"]
    assert [path.name for path in target.parent.parent.iterdir()] == ["data"]
    return line


def with_member(name: str, content=b"evil", kind=stat.S_IFREG) -> bytes:
    """A good release with one member more."""
    path = zipfile.ZipInfo(name)
    path.external_attr = (kind | 0o644) << 16
    buffer = io.BytesIO(zipped(SMALL))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(path, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize("folder", ["", "ml-100k/", "a/b/ml-100k/"])
def test_the_files_are_laid_flat(target, folder):
    unpack(target, zipped(FILES, folder))
    assert contents(target) == dict(sorted(FILES.items()))


def test_only_the_topmost_folder_with_the_release_is_taken(target):
    both = zipped(
        {**SMALL, "old/u.data": b"old", "old/u.item": b"old", "__MACOSX/u.data": b"junk", "empty/": b""}
    )
    unpack(target, both)
    assert contents(target) == SMALL


def test_a_zip_cut_off_anywhere_is_refused(target):
    whole = zipped(SMALL)
    for length in range(len(whole)):
        assert "is not a complete zip" in fault(target, whole[:length])


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_changed_byte_is_noticed_wherever_it_makes_a_difference(target, flip):
    whole, refused = zipped(SMALL), 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= flip
        try:
            unpack(target, bytes(changed))
            assert contents(target) == SMALL, place
        except MarqueeError:
            refused += 1
        for path in target.iterdir():
            path.unlink()
    assert refused > len(whole) / 2


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "ml-100k/../../evil",
        "/evil",
        "..\\evil",
        "C:\\evil",
        "C:evil",
        "\\\\server\\share\\evil",
        "ml-100k/u.data:evil",
    ],
)
def test_a_path_out_of_the_folder_is_refused(target, name):
    line = fault(target, with_member(name))
    assert f"{name!r} would be written outside its folder" in line
    assert contents(target) == {}


@pytest.mark.parametrize(
    "name",
    ["ml-100k/" + "x" * 300, "ml-100k/a\0b", "ml-100k/\x1b[31m", "ml-100k/a\nb", "NUL", "ml-100k/con.txt"],
)
def test_an_impossible_name_is_refused(target, name):
    member = with_member("~" * len(name)).replace(b"~" * len(name), name.encode())
    assert "cannot be the name of a file" in fault(target, member)
    assert contents(target) == {}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_differ_in_case_are_one_file_on_many_systems(target):
    assert "contains 'ml-100k/U.DATA' twice" in fault(target, with_member("ml-100k/U.DATA"))


def test_a_name_that_is_no_utf8_is_refused(target):
    damaged = with_member("ml-100k/é").replace("é".encode(), b"\xc3(")
    assert "is not a complete zip" in fault(target, damaged)


def test_an_encrypted_zip_is_refused(target):
    locked = bytearray(zipped(SMALL))
    for start in (6, locked.index(b"PK\1\2") + 8):
        locked[start] |= 1
    assert "is encrypted, password required" in fault(target, bytes(locked))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_a_device_is_refused(target, kind):
    assert "'ml-100k/evil' is a link or a device" in fault(target, with_member("ml-100k/evil", b"/etc", kind))
    assert contents(target) == {}


def test_a_bomb_is_refused_by_its_ratio(target):
    assert "1,000,061 in 3 entries" in fault(
        target, with_member("ml-100k/zeros", bytes(1_000_000)), limit=10**9
    )


def test_a_bomb_is_refused_by_its_size(target):
    fault(target, zipped(FILES), limit=sum(map(len, FILES.values())) - 1)
    unpack(target, zipped(FILES), limit=sum(map(len, FILES.values())))


def test_a_bomb_is_refused_by_its_number_of_files(target):
    many = {f"{i}": b"" for i in range(MEMBERS)}
    assert f"in {MEMBERS + 2} entries" in fault(target, zipped({**SMALL, **many}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_is_refused(target):
    assert "contains 'ml-100k/u.data' twice" in fault(target, with_member("ml-100k/u.data"))


def test_a_zip_of_something_else_says_what_is_missing(target):
    line = fault(target, zipped({"ratings.dat": b"1::2::3"}))
    assert line.startswith("it.zip has no folder with u.data, u.item: ")
    assert "dataset.name" in line


@pytest.mark.parametrize("content", [b"", b"<html>please log in</html>"])
def test_what_is_no_zip_is_refused(target, content):
    assert fault(target, content).startswith("it.zip is not a complete zip (File is not a zip file): ")
