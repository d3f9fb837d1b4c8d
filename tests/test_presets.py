"""Settings for each release: the files in presets/, and `marquee use`, which writes them into params.yaml."""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import modify_yaml

from marquee import config, recommenders, validate
from marquee.cli import use
from marquee.config import presets
from marquee.config.presets import flatten
from marquee.errors import MarqueeError
from marquee.movielens.releases import RELEASES
from stages import download
from tests.all_models import TREE

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "params.yaml").read_text("utf-8")
MORE = (ROOT / "presets/models/more.yaml").read_text("utf-8")
DEFAULTS = flatten(config.load(ROOT / "params.yaml"))  # of the models by default
ALL = flatten(TREE)  # with the models of presets/models/more.yaml
COMMAND = "git init -q . && git add params.yaml && git -c user.name=a -c user.email=b commit -qm c"
PRESETS = {path.stem: flatten(config.load(path)) for path in (ROOT / "presets").glob("*.yaml")}
OTHERS = sorted(PRESETS.keys() - {"synthetic-100k"})
PROTOCOLS = [name for name in OTHERS if presets.release_of(name) != name]
WHOLE = [name for name in OTHERS if presets.models_of(name)]  # with model blocks of their own


@pytest.fixture
def params(tmp_path, monkeypatch) -> Path:
    """A project folder of one's own: params.yaml and presets/."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "presets", "presets")
    Path("data/incoming").mkdir(parents=True)
    Path("params.yaml").write_text(TEXT, "utf-8")
    subprocess.run(COMMAND, shell=True, check=True)
    return tmp_path / "params.yaml"


def use_release(*words: str) -> None:
    parser = ArgumentParser()
    use.configure(parser)
    use.run(parser.parse_args(words))


def values() -> dict:
    return flatten(config.load(Path("params.yaml")))


def test_every_preset_is_of_a_release():
    assert {presets.release_of(name) for name in PRESETS} <= RELEASES.keys()
    assert PRESETS.keys() - RELEASES.keys() == {
        *("recbole-ml-1m", "recbole-ml-100k", "next-item-ml-1m", "strong-generalisation", "global-time"),
        *("u1-u5", "ml-1m-90-10"),
    }


def test_the_preset_of_the_default_data_is_the_committed_file():
    keys = set().union(*(presets.preset(name) for name in OTHERS)) - {"dataset.name"}
    assert PRESETS["synthetic-100k"] == {key: value for key, value in ALL.items() if key in keys}


@pytest.mark.parametrize("name", OTHERS)
def test_a_preset_is_accepted_and_says_only_what_differs(name, params):
    use_release(name, *([] if name in WHOLE else ["--models", "all"]))
    for model, entry in config.read(params).models.items():
        recommenders.create(entry.algorithm, entry.task, entry.options, f"models.{model}")
    validate.require_valid(config.read(params))
    of_protocol = ("tasks", "dataset", "candidates")  # these a preset may repeat
    of_protocol += ("models",) if name in WHOLE else ()
    same = [key for key, value in PRESETS[name].items() if ALL.get(key) == value]
    assert [key for key in same if not key.startswith(of_protocol)] == []


def test_use_sets_the_release_and_its_settings_and_nothing_else(params, capsys):
    archive = params.with_name("my data (1)") / "ml-1m.zip"
    archive.parent.mkdir()
    archive.touch()
    use_release("ml-1m", "--source", "my data (1)")
    expected = DEFAULTS | PRESETS["ml-1m"]
    assert values() == expected | {"dataset.name": "ml-1m", "dataset.path": "my data (1)/ml-1m.zip"}
    changed = list(difflib.ndiff(TEXT.splitlines(), params.read_text().splitlines()))
    added = [line for line in changed if line[0] == "+"]
    assert len(added) == len([line for line in changed if line[0] == "-"])
    assert capsys.readouterr().out == f"params.yaml uses ml-1m: {len(added)} values changed\n"
    assert not [line for line in added if "#" in line]


@pytest.mark.parametrize("name", WHOLE)
def test_a_protocol_brings_its_models_and_any_other_preset_the_committed_ones(params, name, capsys):
    use_release(name)
    assert config.load(params)["models"] == config.load(ROOT / f"presets/{name}.yaml")["models"]
    assert "models: popularity, " in capsys.readouterr().out
    use_release("u1-u5")
    assert config.load(params)["models"].keys() == config.load(ROOT / "params.yaml")["models"].keys()
    assert values()["models.ials.dim"] == 32
    assert values()["dataset.name"] == "ml-100k"


def test_a_protocol_adds_to_the_settings_of_its_release_and_takes_another_one(params, capsys):
    use_release("u1-u5")
    expected = DEFAULTS | PRESETS["ml-100k"] | PRESETS["u1-u5"]
    assert values() == expected
    use_release("strong-generalisation", "--dataset", "ml-1m")
    assert values()["dataset.name"] == "ml-1m"
    assert values()["ingest.k_core.users"] == 5
    assert "params.yaml uses strong-generalisation with ml-1m" in capsys.readouterr().out


@pytest.mark.parametrize("models", [[], ["--models", "all"], ["--models", "neumf"]])
def test_use_writes_what_dvc_would_write(params, models):
    long = Path("x" * 60 + " " + "y" * 60)
    long.touch()
    use_release("ml-100k", "--source", str(long), *models)
    written = params.read_text("utf-8")
    with modify_yaml(str(params)):
        pass
    assert params.read_text("utf-8") == written


def test_the_default_data_bring_the_committed_file_back(params):
    for name in OTHERS:
        use_release(name, "--source", "kaggle")
    use_release("synthetic-100k")
    assert params.read_text("utf-8") == TEXT


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_of_an_earlier_preset_stays(params, name):
    use_release(name)
    alone = params.read_text("utf-8")
    for other in ("ml-25m", "strong-generalisation"):  # each sets all keys, so the last one is what can stay
        use_release(other)
    use_release(name)
    assert params.read_text("utf-8") == alone


def test_a_user_s_other_changes_stay(params):
    params.write_text(TEXT.replace("epochs: 60", "epochs: 7").replace("seed: 2024", "seed: 1"))
    use_release("ml-1m")
    assert values()["models.mf_bce.epochs"] == 7
    assert values()["seed"] == 1


def test_a_model_that_was_removed_is_left_out(params, capsys):
    content = config.load(params)
    del content["models"]["ease"]
    params.write_text(yaml.safe_dump(content, sort_keys=False))
    use_release("ml-1m")
    assert "not in params.yaml, so that their settings are left out: models.ease\n" in capsys.readouterr().out
    assert "ease" not in config.read(params).models


def test_all_models_come_with_the_settings_of_the_preset_and_their_comments(params, capsys):
    use_release("ml-32m", "--models", "all")
    assert config.load(params)["models"].keys() == TREE["models"].keys()
    assert values() == ALL | PRESETS["ml-32m"] | {"dataset.name": "ml-32m"}
    use_release("synthetic-100k")
    blocks = MORE.partition("models:\n")[2]
    expected = TEXT.replace("\n\ncompare:", f"\n{blocks}\ncompare:")
    assert params.read_text("utf-8") == expected
    capsys.readouterr()
    use_release("ml-32m", "--models", "default")
    assert "not in params.yaml" not in capsys.readouterr().out
    use_release("synthetic-100k", "--models", "default")
    assert params.read_text("utf-8") == TEXT


def test_some_models_are_named(params, capsys):
    params.write_text(TEXT.replace("regularization: 300.0", "regularization: 7.0"))
    use_release("ml-1m", "--models", "als_mf,ials")
    assert list(config.load(params)["models"]) == ["als_mf", "ials"]
    assert values()["demo.model"] == "ials"
    use_release("ml-1m", "--models", "all")
    assert values()["demo.model"] == "ials", "it is one of them"
    use_release("ml-1m", "--models", "default")
    assert values()["demo.model"] == "ease"
    assert "plots/try.html recommends by 'ials'" in capsys.readouterr().out
    use_release("ml-1m", "--models", "gmf")
    assert values()["demo.model"] == ""
    use_release("ml-1m", "--models", "default,neumf")
    assert list(config.load(params)["models"]) == [*config.load(ROOT / "params.yaml")["models"], "neumf"]
    assert values()["demo.model"] == "ease"


def test_a_model_of_one_s_own_is_one_of_all(params):
    params.write_text(TEXT.replace("  bias:\n", "  mine:\n"))
    use_release("ml-1m", "--models", "all")
    assert config.load(params)["models"].keys() == {*TREE["models"], "mine"}
    use_release("ml-1m", "--models", "mine,bias")
    assert list(config.load(params)["models"]) == ["mine", "bias"]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("ml-1m", "--models", "eas"), "did you mean 'ease'?"),
        (("ml-1m", "--models", "ease,"), "--models has ''"),
        (("recbole-ml-1m", "--models", "all"), "recbole-ml-1m has models of its own, popularity, ease,"),
    ],
)
def test_models_that_cannot_be_brought_change_nothing(params, words, fault):
    with pytest.raises(MarqueeError, match=re.escape(fault)):
        use_release(*words)
    assert params.read_text("utf-8") == TEXT


def test_a_release_without_a_preset_takes_the_defaults_and_says_so(params, capsys):
    use_release("ml-1m")
    use_release("ml-10m")
    assert values() == DEFAULTS | {"dataset.name": "ml-10m"}
    assert "no settings were chosen for ml-10m" in capsys.readouterr().out


def test_an_unknown_release_is_answered_with_the_nearest_one(params):
    with pytest.raises(MarqueeError, match=r"did you mean 'ml-1m'\?"):
        use_release("ml1m")
    assert params.read_text("utf-8") == TEXT


def test_a_release_without_ratings_has_ranking_models_only(params, capsys):
    use_release("sasrec-ml-1m")
    assert {entry.task for entry in config.read(params).models.values()} == {"ranking"}
    assert "left out, since they predict ratings: bias, gmf_tuned," in capsys.readouterr().out


@pytest.mark.parametrize("name", [*PROTOCOLS, "strong-generalisation --dataset ml-1m"])
def test_who_follows_a_protocol_is_not_told_to_follow_its_release(params, name):
    use_release(*name.split())
    assert presets.preset_not_followed(params) is None


def said_by_download(monkeypatch, capsys) -> str:
    monkeypatch.setattr(download, "fetch_release", lambda *_, **__: None)
    monkeypatch.setattr(download, "simulate", lambda *_: None)
    capsys.readouterr()
    download.main(config.read(Path("params.yaml")))
    return capsys.readouterr().out


def test_download_tells_who_set_the_name_by_hand(params, monkeypatch, capsys):
    assert said_by_download(monkeypatch, capsys) == ""
    params.write_text(use.with_settings(TEXT, {"dataset.name": "ml-1m", "dataset.path": "my data"})[0])
    Path("my data").touch()
    differing = [key for key, value in PRESETS["ml-1m"].items() if DEFAULTS[key] != value]
    assert said_by_download(monkeypatch, capsys) == (
        f"params.yaml does not follow the preset of ml-1m in {len(differing)} values: "
        "`marquee use ml-1m --source 'my data'` sets them\n"
    )
    use_release("ml-1m")
    assert said_by_download(monkeypatch, capsys) == ""
    use_release("ml-10m")
    assert said_by_download(monkeypatch, capsys) == ""


def made(folder: Path, *words: str) -> list[str]:
    """The commands that `make` runs, each word before a bar."""
    programs = folder / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml", ".venv/bin/python", ".venv/ready"):
        (folder / name).touch()
    for name in ("marquee", "dvc"):
        (programs / name).write_text(f'#!/bin/sh\nprintf "%s|" {name} "$@"\necho\n')
        (programs / name).chmod(0o755)
    command = ["make", "-s", "-C", folder, "-f", ROOT / "Makefile", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("source", ["/tmp/my data (1)", "it's; here", 'a"b', "$(touch x)", "plain", ""])
def test_make_run_hands_the_source_on_as_it_is(tmp_path, source):
    given = source.replace("$", "$$")  # a dollar begins a variable of make
    lines = made(tmp_path, "run", "DATASET=custom", f"SOURCE={given}")
    used = "marquee|use|custom|" + (f"--source|{source}|" if source else "")
    assert lines == [used, "marquee|check|--prune|--restore|", "dvc|repro|", "marquee|leaderboard|"]


def test_make_run_takes_a_preset_and_a_release_beside_it(tmp_path):
    lines = made(tmp_path, "run", "PRESET=global-time", "DATASET=ml-1m", "SOURCE=my data")
    assert lines[0] == "marquee|use|global-time|--dataset|ml-1m|--source|my data|"


def test_make_run_takes_models_beside_a_release_or_a_preset(tmp_path):
    lines = made(tmp_path / "one", "run", "DATASET=ml-1m", "MODELS=ease,neumf")
    assert lines[0] == "marquee|use|ml-1m|--models|ease,neumf|"
    lines = made(tmp_path / "other", "run", "PRESET=u1-u5", "MODELS=all")
    assert lines[0] == "marquee|use|u1-u5|--models|all|"
    with pytest.raises(subprocess.CalledProcessError) as error:
        made(tmp_path / "neither", "run", "MODELS=all")
    assert "MODELS needs a release beside it" in error.value.stderr


def test_implicit_data_has_ranking_models_only_and_no_rating_column(params, capsys):
    Path("plays").mkdir()
    Path("plays/ratings.csv").write_text("userId,movieId\n1,2\n")
    use_release("custom", "--source", "plays", "--implicit")
    found = config.read(params)
    assert found.implicit
    assert {entry.task for entry in found.models.values()} == {"ranking"}
    assert found.ingest.columns.rating is None
    out = capsys.readouterr().out
    assert "left out, since they predict ratings: bias, gmf_tuned," in out
    assert "not in params.yaml" not in out
    with modify_yaml(str(params)):
        written = params.read_text("utf-8")
    assert params.read_text("utf-8") == written


def test_counts_are_implicit_data_with_a_column(params):
    use_release("custom", "--counts", "plays")
    assert values()["ingest.feedback"] == "implicit"
    assert values()["ingest.columns.rating"] == "plays"


def test_rated_data_after_implicit_data_has_a_rating_column_again(params):
    use_release("custom", "--implicit")
    use_release("custom")
    assert values()["ingest.feedback"] == "explicit"
    assert values()["ingest.columns.rating"] == "rating"
    assert not config.read(params).implicit


@pytest.mark.parametrize("flag", [["--implicit"], ["--counts", "plays"]])
def test_a_release_with_ratings_is_not_implicit(params, flag):
    with pytest.raises(MarqueeError, match="ml-1m has ratings"):
        use_release("ml-1m", *flag)
    assert params.read_text("utf-8") == TEXT


def set_keys(params: Path, **keys) -> None:
    settings = {name.replace("__", "."): value for name, value in keys.items()}
    params.write_text(use.with_settings(TEXT, settings)[0])


@pytest.mark.parametrize("key", [{"ingest__feedback": "implicit"}, {"ingest__columns__rating": None}])
def test_rating_models_are_refused_for_implicit_data_before_anything_runs(params, key):
    set_keys(params, dataset__name="custom", **key)
    wanted = r"models.bias and 4 more predict ratings, .* `marquee use custom --implicit`"
    with pytest.raises(MarqueeError, match=wanted):
        config.read(params)


def test_a_release_with_ratings_refuses_implicit_feedback(params):
    set_keys(params, ingest__feedback="implicit")
    with pytest.raises(MarqueeError, match="synthetic-100k has ratings: set it to explicit"):
        config.read(params)
    set_keys(params, ingest__columns__rating=None)  # the columns are those of custom data
    assert not config.read(params).implicit


def test_make_plan_hands_the_name_on_as_it_is(tmp_path):
    assert made(tmp_path, "plan", "DATASET=x; touch y") == ["marquee|plan|--dataset|x; touch y|"]
    assert not (tmp_path / "y").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("models: 3", "presets/ml-100k.yaml: models is 3, but must be a block of keys"),
        ("models: [ease]", "models is ['ease'], but must be"),
        ("models: {ease: 3}", "models.ease is 3, but must be"),
        ("dataset: ml-100k", "dataset is 'ml-100k', but must be"),
        ("tasks: 7", "ml-100k does not fit params.yaml, which stays as it is: tasks is 7"),
        ("surprise: 1", "surprise is not a parameter"),
        ("tasks: {rating: {split: none}}", "tasks.rating.split is 'none'"),
        ("models: {ease: {regularization: x}}", "models.ease.regularization is 'x'"),
        ("models: {../x: {algorithm: ease}}", "models.../x cannot be a name"),
        ("models: {5: {algorithm: ease}}", "models.5 cannot be a name"),
        ("evaluate: {ks: [7]}", "compare.k is 10, but evaluate.ks has 7"),
    ],
)
def test_a_damaged_preset_is_one_line_and_params_stay(params, content, words):
    Path("presets/ml-100k.yaml").write_text(content)
    with pytest.raises(MarqueeError) as caught:
        use_release("ml-100k")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert params.read_text() == TEXT


@pytest.mark.parametrize(
    "content",
    [
        *("", "models: 3", "other: 3", "models: {neumf: 3}", "models: [neumf]", "models: {5: {}, neumf: {}}"),
        *("models: {neumf: {task: ranking}}", "models: {neumf: {algorithm: [], task: {}}}"),
    ],
)
def test_a_damaged_file_of_more_models_is_one_line_and_params_stay(params, content):
    presets.MORE_MODELS.write_text(content)
    with pytest.raises(MarqueeError):
        use_release("ml-1m", "--models", "neumf")
    assert params.read_text() == TEXT
