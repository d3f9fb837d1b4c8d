"""A release arrives whole and verified from every source, or one line says what to do."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from marquee.errors import MarqueeError
from marquee.io import atomic_folder
from marquee.movielens import http
from marquee.movielens.download import fetch_release
from marquee.movielens.releases import RELEASES
from tests.movielens.file_server import closed_address, serving
from tests.movielens.release_files import FILES, RELEASE, contents, zipped

ZIP = zipped(FILES)
ARRIVED = dict(sorted(FILES.items()))
SHORT = {**FILES, "u.data": FILES["u.data"].split(b"\n", 1)[1]}  # lacks its first rating


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where the tests are at home; retries do not wait."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(http, "PAUSES", (0.0, 0.0))
    return tmp_path


@pytest.fixture
def server():
    with serving(ZIP) as running:
        yield running


def official(server, **changes):
    md5 = hashlib.md5(ZIP).hexdigest()
    return replace(RELEASE, **{"url": server.url(), "md5": md5, **changes})


def get(source="official", release=RELEASE):
    """As the stage does; the files that arrived."""
    with atomic_folder(Path("data/raw")) as target:
        fetch_release(release, str(source), target, Path("scratch"), show_progress=False)
    return contents(Path("data/raw"))


def fault(source="official", release=RELEASE):
    """The one line that a failing download ends in; nothing of it is left and the output is as before."""
    before = output()
    with pytest.raises(MarqueeError) as caught:
        get(source, release)
    line = str(caught.value)
    assert "\n" not in line
    assert "dataset." in line or "copy" in line
    assert output() == before
    assert scratch() == []
    return line


def output():
    return {path: contents(path) for path in Path("data").glob("*")}


def scratch():
    return sorted(path.name for path in Path("scratch").iterdir()) if Path("scratch").exists() else []


def folder_of(files, name="mine"):
    folder = Path(name)
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


# From the official address


def test_the_official_zip_is_verified_and_laid_flat(server):
    assert get(release=official(server)) == ARRIVED
    assert scratch() == []


def test_a_wrong_md5_is_refused_and_the_next_run_starts_clean(server):
    server.body = ZIP + b"!"
    line = fault(release=official(server))
    got, published = (hashlib.md5(content).hexdigest() for content in (ZIP + b"!", ZIP))
    assert f"md5 {got} instead of {published}" in line
    server.body = ZIP
    assert get(release=official(server)) == ARRIVED


@pytest.mark.parametrize("form", ["MD5 (ml-100k.zip) = {}\n", "{}  ml-100k.zip\n"])
def test_a_release_that_changes_is_held_against_the_md5_beside_it(server, form):
    changing = official(server, md5=None, counts=None)
    server.md5 = form.format(hashlib.md5(ZIP).hexdigest().upper()).encode()
    assert get(release=changing) == ARRIVED
    assert scratch() == []
    server.md5 = form.format("0" * 32).encode()
    assert f"instead of {'0' * 32}" in fault(release=changing)


def test_without_the_md5_beside_it_nothing_is_downloaded(server):
    server.md5 = b"<html>not here</html>"
    assert f"{server.url()}.md5 has no md5" in fault(release=official(server, md5=None))
    assert server.asked == []


def test_a_broken_download_goes_on_in_the_next_run(server):
    server.cuts = [1000, 0, 0]
    with pytest.raises(MarqueeError, match="1,000 bytes are kept"):
        get(release=official(server))
    assert scratch() == ["ml-100k.zip.partial", "ml-100k.zip.partial.json"]
    server.asked.clear()
    assert get(release=official(server)) == ARRIVED
    assert server.asked == ["bytes=1000-"]
    assert scratch() == []


def test_a_verified_zip_survives_a_full_disk(server):
    release = official(server)
    with tempfile.TemporaryDirectory() as target:
        Path(target, "u.item").symlink_to("/dev/full")
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            fetch_release(release, "official", Path(target), Path("scratch"), show_progress=False)
    assert get(release=release) == ARRIVED
    assert server.asked == [None]


def test_without_network_and_source_one_line_names_url_file_and_parameter():
    address = closed_address("ml-100k.zip")
    line = fault(release=replace(RELEASE, url=address))
    assert line.startswith(f"{address} could not be fetched (Connection refused): ")
    assert "ml-100k.zip" in line
    assert "dataset.path" in line


def test_a_release_without_an_official_address_says_what_to_set():
    line = fault(release=RELEASES["ncf-ml-1m"])
    assert line.startswith("ncf-ml-1m has no official address: get ncf-ml-1m.zip")
    assert "dataset.path" in line


# From an address of the user's


def test_a_mirror_may_have_packed_the_release_otherwise(server):
    server.body = zipped(FILES, folder="other/")
    assert get(server.url("mirror.zip"), official(server)) == ARRIVED


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (zipped(SHORT), "u.data has 599 ratings by 30 users of 40 movies, but ml-100k has 600 ratings by 30"),
        (zipped({**FILES, "u.data": b"1\t2\n1\n"}), "u.data does not parse as ratings of ml-100k"),
        (zipped({**FILES, "u.data": b""}), "u.data does not parse as ratings of ml-100k (Empty CSV file)"),
        (zipped({**FILES, "../evil": b""}), "is not safe ('ml-100k/../evil' would be written outside"),
        (zipped({"u.data": FILES["u.data"]}), "has no folder with u.data, u.item, u.user"),
        (ZIP[:-1000], "is not a complete zip"),
        (ZIP[:2000] + bytes([ZIP[2000] ^ 1]) + ZIP[2001:], "is not a complete zip"),
    ],
    ids=["a rating short", "malformed", "empty", "unsafe", "a file short", "truncated", "corrupted"],
)
@pytest.mark.parametrize("where", ["address", "zip"])
def test_bad_content_is_refused(server, body, complaint, where):
    server.body = body
    mine = folder_of({"mine.zip": body}) / "mine.zip"
    source = server.url("mirror.zip") if where == "address" else mine
    line = fault(source)
    assert line.startswith(str(source))
    assert complaint in line
    assert mine.read_bytes() == body


# From this machine


def test_a_folder_with_the_files_is_copied_without_the_folders_in_it():
    mine = folder_of(FILES)
    folder_of({"old": b"old"}, "mine/old")
    assert get(mine) == ARRIVED
    assert contents(Path("data/raw")).keys() == FILES.keys()


def test_a_folder_may_hold_the_release_one_level_down():
    folder_of(FILES, "mine/ml-100k")
    assert get("mine") == ARRIVED


@pytest.mark.parametrize("source", ["mine", "mine/ml-100k.zip", "~/mine"])
def test_a_folder_may_hold_the_zip(place, monkeypatch, source):
    monkeypatch.setenv("HOME", str(place))
    folder_of({"ml-100k.zip": ZIP})
    Path("mine/ml-100k").mkdir()  # left empty by another tool
    assert get(source) == ARRIVED
    assert Path("mine/ml-100k.zip").read_bytes() == ZIP


def test_a_folder_with_another_version_is_refused():
    line = fault(folder_of(SHORT))
    assert line.startswith("mine: u.data has 599 ratings")


def test_a_malformed_row_is_named():
    rows = FILES["u.data"].splitlines(keepends=True)
    rows[41] = b"1\t2\n"
    line = fault(folder_of({**FILES, "u.data": b"".join(rows)}))
    assert line.startswith(
        "mine: u.data does not parse as ratings of ml-100k (CSV parse error: Row #42: Expected 4"
    )


def test_a_folder_with_much_else_is_not_copied():
    line = fault(folder_of({**FILES, "film.mkv": b"."}), replace(RELEASE, size=100))
    assert "mine contains 5 files of" in line
    assert "move the release's files to a folder of their own" in line


def test_a_folder_without_the_release_says_what_it_lacks():
    line = fault(folder_of({"u.data": b""}))
    assert line.startswith("dataset.path mine contains neither ml-100k.zip nor u.data, u.item, u.user: ")


def test_a_missing_source_says_what_it_may_be():
    line = fault("nowhere")
    assert line.startswith("dataset.path is 'nowhere', which does not exist: ")
    assert all(word in line for word in ("official", "kaggle", "http", "folder", "zip"))


@pytest.mark.parametrize("closed", ["mine", "mine/ml-100k", "mine/ml-100k/u.item", "mine/ml-100k.zip"])
def test_what_may_not_be_read_is_named(monkeypatch, closed):
    """In a process without root's rights, for root may read everything."""
    program = (
        "import os, sys; from pathlib import Path; import pyarrow.csv, pyarrow.compute\n"
        "from marquee.errors import MarqueeError; from marquee.movielens.download import fetch_release\n"
        "from marquee.movielens.releases import RELEASES\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: fetch_release(RELEASES['ml-100k'], 'mine', Path('raw'), Path('scratch'))\n"
        "except MarqueeError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as home:  # which others may enter, unlike pytest's own
        monkeypatch.chdir(home)
        Path(home).chmod(0o755)
        Path("raw").mkdir()
        Path("raw").chmod(0o777)
        if closed.endswith(".zip"):
            folder_of({"ml-100k.zip": ZIP})
        else:
            folder_of(FILES, "mine/ml-100k")
        Path(closed).chmod(0)
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(root)},
            text=True,
            capture_output=True,
        )
        Path(closed).chmod(0o700)
        assert done.stderr == ""
        assert done.stdout.startswith(f"dataset.path is 'mine', but you may not read {closed}: ")
        assert done.stdout.count("\n") == 1
        assert not Path("scratch").exists()


@pytest.mark.real
@pytest.mark.parametrize(("name", "files"), [("ml-100k", 21), ("ml-1m", 5)])
def test_the_real_zips_pass_by_their_content(movielens, name, files):
    release = RELEASES[name]
    assert len(get(movielens, release)) == files
    assert len(get(movielens / f"{name}.zip", release)) == files
    assert len(get("data/raw", release)) == files  # a folder this time
    ratings, users, movies = release.counts
    wrong = replace(release, counts=(ratings, users, movies + 1))
    assert f"but {name} has {ratings:,} ratings by" in fault(movielens, wrong)


# Through Kaggle

CLIENT = """
class KaggleApi:
    def authenticate(self):
        print("a page on how to get credentials")
        {authenticate}
    def dataset_download_files(self, dataset, path, quiet):
        from pathlib import Path
        Path(path, dataset.split("/")[1] + ".zip").write_bytes(Path("kaggle.zip").read_bytes())
"""


@pytest.fixture
def client(place, monkeypatch):
    """Installs a stand-in for Kaggle's client, which needs an account and a network."""

    def install(authenticate="pass"):
        folder_of({"__init__.py": b""}, "packages/kaggle")
        code = CLIENT.format(authenticate=authenticate).encode()
        folder_of({"__init__.py": b"", "kaggle_api_extended.py": code}, "packages/kaggle/api")
        monkeypatch.syspath_prepend(place / "packages")
        Path("kaggle.zip").write_bytes(ZIP)

    yield install
    for name in [name for name in sys.modules if name.partition(".")[0] == "kaggle"]:
        del sys.modules[name]


def test_kaggle_sends_the_release(client, capsys):
    client()
    assert get("kaggle") == ARRIVED
    assert scratch() == []
    assert capsys.readouterr() == ("", "")


def test_what_kaggle_sends_is_verified(client):
    client()
    Path("kaggle.zip").write_bytes(zipped(SHORT))
    assert fault("kaggle").startswith("Kaggle's prajitdatta/movielens-100k-dataset: u.data has 599 ratings")


@pytest.mark.parametrize(
    ("authenticate", "reason"), [("exit(1)", "no credentials"), ("raise OSError('no\\n way')", "no way")]
)
def test_kaggle_without_credentials_is_one_line(client, capsys, authenticate, reason):
    client(authenticate)
    assert f"could not fetch prajitdatta/movielens-100k-dataset ({reason})" in fault("kaggle")
    assert capsys.readouterr() == ("", "")


def test_kaggle_without_its_client_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "kaggle", None)
    assert "run `pip install kaggle`, or" in fault("kaggle")


def test_a_release_that_kaggle_lacks_says_so():
    assert "no known copy of ml-20m" in fault("kaggle", RELEASES["ml-20m"])
