"""Blocks of YAML become dataclasses: by declared type, within bounds, with a message that names the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pytest
import yaml

from marquee.config.parsing import Percent, option, parse
from marquee.config.presets import flatten
from marquee.errors import MarqueeError


@dataclass(frozen=True)
class Inner:
    low: float = 0.5


@dataclass(frozen=True)
class Example:
    dim: int = option(32, low=1, high=512)
    rate: float = option(0.01, above=0)
    sampling: str = option("uniform", choices=("uniform", "popularity"))
    deep: bool = False
    ks: tuple[int, ...] = option((5, 10), low=1)
    limit: float | None = None
    threshold: float | Literal["auto"] | None = None
    relative: float | Literal["auto"] | Percent | None = None
    title: str = "Marquee"
    file: str | None = option(None, file=True)
    inner: Inner = Inner()


@dataclass(frozen=True)
class Required:
    seed: int = option(low=0)


@dataclass(frozen=True)
class Open:
    tasks: Mapping[str, Inner] = option(keys=("rating", "ranking"))
    others: Mapping[str, Any] = option(other_keys=True)


def message(block: object, cls: type = Example) -> str:
    with pytest.raises(MarqueeError) as caught:
        parse(cls, block, "models.mf")
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 500
    return text


def test_an_absent_block_takes_every_default():
    assert parse(Example, None, "models.mf") == Example()


def test_values_arrive_as_the_declared_type():
    block = {"dim": 8.0, "rate": 1, "ks": [20, 5], "limit": "3", "inner": {"low": 2}}
    parsed = parse(Example, block, "models.mf")
    assert parsed == Example(dim=8, rate=1.0, ks=(20, 5), limit=3.0, inner=Inner(2.0))
    assert isinstance(parsed.dim, int)
    assert isinstance(parsed.rate, float)


def test_a_float_as_dvc_writes_it_is_a_number():
    text = yaml.safe_load("rate: 1e-05")
    assert isinstance(text["rate"], str), "YAML 1.1 reads it as text, which is why it is converted"
    assert parse(Example, text, "models.mf").rate == 1e-5


@pytest.mark.parametrize(("given", "read"), [("auto", "auto"), (4, 4.0), ("1e-05", 1e-5), (None, None)])
def test_a_word_may_stand_for_a_number_where_it_is_declared(given, read):
    assert parse(Example, {"threshold": given}, "models.mf").threshold == read


@pytest.mark.parametrize("given", ["75%", "0%", "100%", "12.5%"])
def test_a_percentage_stays_the_text_that_it_is(given):
    assert parse(Example, {"relative": given}, "models.mf").relative == given


def test_a_text_may_look_like_a_number():
    assert parse(Example, {"title": 1984}, "models.mf").title == "1984"


def test_keys_that_are_not_named_go_where_they_are_collected():
    parsed = parse(Open, {"tasks": {"rating": {"low": 1}}, "dim": 8}, "models.mf")
    assert parsed == Open({"rating": Inner(1.0), "ranking": Inner()}, {"dim": 8})


def test_a_misspelt_key_is_answered_with_the_nearest_known_one():
    assert message({"dmi": 8}).startswith("models.mf.dmi is not a parameter; did you mean 'dim'?")
    assert "models.mf.tasks.rankin is not a parameter; did you mean 'ranking'?" in message(
        {"tasks": {"rankin": {}}}, Open
    )


def test_a_nested_key_is_named_with_its_whole_path():
    assert "models.mf.inner.hihg" in message({"inner": {"hihg": 1}})
    assert "models.mf.tasks.rating.low is 'much'" in message({"tasks": {"rating": {"low": "much"}}}, Open)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"dim": 0}, "models.mf.dim is 0, but must be at least 1"),
        ({"dim": 513}, "models.mf.dim is 513, but must be at most 512"),
        ({"rate": 0}, "models.mf.rate is 0.0, but must be above 0"),
        ({"dim": 2.5}, "models.mf.dim is 2.5, but must be a whole number"),
        ({"dim": True}, "models.mf.dim is True, but must be a whole number"),
        ({"rate": "fast"}, "models.mf.rate is 'fast', but must be a number"),
        ({"rate": float("nan")}, "models.mf.rate is nan, but must be a number"),
        ({"threshold": "high"}, "models.mf.threshold is 'high', but must be a number or auto"),
        ({"relative": "high"}, "is 'high', but must be a number or auto or a percentage such as 75%"),
        ({"relative": "101%"}, "models.mf.relative is '101%', but must be a number or auto or a percentage"),
        ({"relative": "-5%"}, "models.mf.relative is '-5%'"),
        ({"relative": True}, "models.mf.relative is True"),
        ({"deep": 1}, "models.mf.deep is 1, but must be true or false"),
        ({"rate": 10**400}, "but must be a number"),
        ({"rate": "1e400"}, "models.mf.rate is '1e400', but must be a number"),
        ({"rate": 1e300}, "models.mf.rate is 1e+300, but must be at most 1000000000000 in size"),
        ({"rate": b"5"}, "models.mf.rate is b'5', but must be a number"),
        ({"ks": [10**400]}, "but must be at most 2147483647 in size"),
        ({"ks": list(range(1, 500))}, "models.mf.ks has 499 values, but must have at most 20"),
        ({"title": date(2024, 1, 1)}, "but must be text; put it in quotes"),
        ({"title": "a\nb"}, r"models.mf.title is 'a\nb', which has the control character '\n': remove it"),
        ({"title": "\x1b[31m"}, "which has the control character"),
        ({"title": "\u202egnp.exe"}, "which has the control character"),
        ({"title": "x" * 5000}, "models.mf.title has 5,000 letters, but must have at most 4,096"),
        ({"file": "../secret"}, "models.mf.file is '../secret', but must be the name of a file in data/raw"),
        ({"file": "/etc/passwd"}, "without a folder"),
        ({"file": "C:\\x"}, "without a folder"),
        ({"file": ".."}, "without a folder"),
        ({"file": "x" * 300}, "without a folder"),
        ({"a\nb\x1b": 1}, r"models.mf.'a\nb\x1b' is not a parameter"),
        ({"x" * 100_000: 1}, "is not a parameter"),
        ({0xF**5000: 1}, "models.mf.a value too long to show is not a parameter"),
        ({"ks": 5}, "models.mf.ks is 5, but must be a list"),
        ({"ks": [5, 0]}, "models.mf.ks is 0, but must be at least 1"),
        ({"sampling": "popular"}, "did you mean 'popularity'?"),
        ({"sampling": []}, "models.mf.sampling is [], but must be text"),
        ({"inner": 7}, "models.mf.inner is 7, but must be a block of keys"),
        (7, "models.mf is 7, but must be a block of keys"),
        (0, "models.mf is 0, but must be a block of keys"),
    ],
)
def test_an_impossible_value_is_refused_in_one_line(block, words):
    assert words in message(block)


def test_a_required_key_is_asked_for():
    assert message({}, Required) == "models.mf.seed is missing; give it a value"


def test_nested_blocks_flatten_to_dotted_keys():
    assert flatten({"a": {"b": {"c": 1}, "ks": [1, 2]}, "d": None}) == {"a.b.c": 1, "a.ks": [1, 2], "d": None}
