"""The search space of each algorithm fits its options, and shared work gives the models of separate fits."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import marquee.recommenders
from marquee.config import parse
from marquee.config.search import Choice
from marquee.tuning.search import searched

FILES = sorted(Path(marquee.recommenders.__file__).parent.glob("[a-z]*.py"))  # the docs' example is no file
MODULES = {one.stem: import_module(f"marquee.recommenders.{one.stem}") for one in FILES if one.stem != "base"}
SPACES = {name: module.SPACE for name, module in MODULES.items() if hasattr(module, "SPACE")}


def test_every_algorithm_but_popularity_has_a_space():
    assert sorted(MODULES) == sorted([*SPACES, "popularity"])


@pytest.mark.parametrize("name", SPACES)
def test_a_space_is_of_options_and_has_their_defaults(name):
    module, space = MODULES[name], SPACES[name]
    defaults = {field.name: field.default for field in fields(module.Options)}
    assert space.keys() <= defaults.keys()
    assert searched(module.Options(), space) == {key: defaults[key] for key in defaults if key in space}
    for key, one in space.items():
        for value in one.values if isinstance(one, Choice) else (one.low, one.high):
            assert getattr(parse(module.Options, {key: value}, ""), key) == value, "the options refuse it"
