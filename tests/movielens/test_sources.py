"""Where a release comes from: `dataset.path`, which DVC hashes, or `dataset.source`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marquee.config import INCOMING, DatasetOptions
from marquee.errors import MarqueeError
from marquee.movielens.releases import RELEASES
from marquee.movielens.sources import chosen_source, settings_for

FILES = ("u.data", "u.item", "u.user")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A folder with what a clone has, and one beside it with the user's files."""
    for name in ("clone/data/incoming", "my data (1)"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "clone")
    Path(INCOMING, ".gitignore").touch()
    return tmp_path


def source(name: str, watched: bool = True, **keys: str) -> str:
    return chosen_source(RELEASES[name], DatasetOptions(name, **keys), watched)


def fault(name: str = "custom", **keys: str) -> str:
    with pytest.raises(MarqueeError) as caught:
        source(name, **keys)
    return str(caught.value)


def fill(folder: Path, *names: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return str(folder)


def test_a_release_is_fetched_unless_it_is_in_the_user_s_folder():
    assert source("ml-100k") == "official"
    assert source("ml-100k", source="kaggle") == "kaggle"
    fill(Path(INCOMING), "ratings.csv")
    assert source("ml-100k") == "official", "another data set lies there"
    fill(Path(INCOMING), *FILES)
    assert source("ml-100k") == INCOMING


def test_a_path_of_one_s_own_is_where_the_release_must_be(project):
    folder = fill(project / "my data (1)", "ml-100k.zip")
    for path in (folder, f"{folder}/ml-100k.zip", "../my data (1)"):
        assert source("ml-100k", path=path) == path
        assert source("custom", path=path) == path


def test_your_own_ratings_come_from_the_path_in_every_case():
    assert source("custom") == INCOMING


def test_a_path_as_source_is_read_by_hand_and_refused_where_dvc_would_skip_its_changes():
    assert source("custom", watched=False, source="/tmp/ratings") == "/tmp/ratings"
    line = fault(source="/tmp/ratings")
    assert "'/tmp/ratings', a path, whose changes DVC does not see" in line
    assert "marquee use custom --source" in line


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("https://example.org/a.zip", "an address: set dataset.source"),
        ("s3://bucket/a", "an address"),
        ("~/ratings", f"no path for DVC: write {Path.home() / 'ratings'}"),
        ("nowhere", "'nowhere', which is missing: correct it"),
        (".", "where stages write"),
        ("..", "where stages write"),
        ("data", "where stages write"),
        ("data/raw", "where stages write"),
        ("/dev/zero", "a pipe, a device"),
        ("pipes", "pipes/one is a pipe"),
        ("broken", "broken/link is a pipe, a device or a broken link"),
    ],
)
def test_a_path_that_dvc_cannot_hash_is_refused_before_it_tries(path, words):
    for name in ("data/raw", "pipes", "broken"):
        Path(name).mkdir()
    os.mkfifo("pipes/one")
    Path("broken/link").symlink_to("no file")
    line = fault(path=path)
    assert line.startswith(f"dataset.path is {path!r}, which is ")
    assert words in line


def test_the_folder_of_the_repository_returns_by_git():
    Path(INCOMING, ".gitignore").unlink()
    Path(INCOMING).rmdir()
    assert fault().endswith("missing: run `git checkout data/incoming`")


def test_keys_that_contradict_each_other_are_refused(project):
    folder = str(project / "my data (1)")
    assert "dataset.path is" in fault("ml-100k", path=folder, source="kaggle")
    assert "whose ratings are simulated: set dataset.name to custom" in fault("synthetic-100k", path=folder)
    assert "dataset.source is 'kaggle', but" in fault("synthetic-100k", source="kaggle")
    assert source("synthetic-100k") == "official"


def test_use_names_the_release_alone_where_a_folder_has_more(project, monkeypatch):
    """DVC hashes all files of a dependency: a folder of downloads would take minutes."""
    monkeypatch.setenv("HOME", str(project))
    fill(project / "my data (1)", "film.mkv", "ml-1m.zip")
    fill(project / "my data (1)/ml-100k", *FILES)
    for name, path in (("ml-1m", "ml-1m.zip"), ("ml-100k", "ml-100k")):
        expected = {"dataset.path": str(project / "my data (1)" / path), "dataset.source": "official"}
        assert settings_for(RELEASES[name], "~/my data (1)") == expected
        assert settings_for(RELEASES[name], "../my data (1)") == expected
    with pytest.raises(MarqueeError, match=r"contains neither ml-10m\.zip nor ratings\.dat"):
        settings_for(RELEASES["ml-10m"], "../my data (1)")


def test_use_keeps_a_path_inside_the_project_relative_and_an_address_as_it_is(project):
    fill(Path(INCOMING, "mine"), "ratings.csv")
    assert settings_for(RELEASES["custom"], "data/incoming/mine")["dataset.path"] == "data/incoming/mine"
    for address in ("official", "kaggle", "https://example.org/a.zip"):
        expected = {"dataset.path": INCOMING, "dataset.source": address}
        assert settings_for(RELEASES["ml-1m"], address) == expected
    for nowhere in ("", "nowhere"):
        with pytest.raises(MarqueeError, match=r"dataset\.path is"):
            settings_for(RELEASES["custom"], nowhere)
