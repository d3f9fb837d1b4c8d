"""Choose the model blocks that `marquee use` writes into params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marquee.cli.project import call
from marquee.config import presets
from marquee.demo.models import PACKERS
from marquee.errors import MarqueeError, did_you_mean
from marquee.io import read_text


def choose(text: str, preset: str, wanted: str | None) -> Any:
    """Return the blocks that replace those of params.yaml, which is `text`; {} if it keeps its own.

    `wanted` has names with commas, `default` for the models of the commit or `all`. They are looked up in
    params.yaml, in the commit and in presets/models/more.yaml.
    """
    own = presets.models_of(preset) if preset in presets.names() else {}
    if own and wanted:
        raise MarqueeError(f"{preset} has models of its own, {', '.join(own)}: leave --models out")
    if own:
        return own
    here = _parsed(text)["models"]
    stay = {} if presets.is_from_preset(here) else here
    default = _committed().get("models") or stay
    if wanted is None:
        return {} if stay else default
    more = _parsed(read_text(presets.MORE_MODELS))["models"] if presets.more_models() else {}
    known = {**default, **more, **stay}
    names: list[str] = []
    for word in wanted.split(","):
        if word in ("all", "default"):
            names += known if word == "all" else default
        elif word in known:
            names.append(word)
        else:
            raise MarqueeError(
                f"--models has {word!r}, which is neither in params.yaml nor in {presets.MORE_MODELS}"
                f"{did_you_mean(word, [*known, 'all', 'default'])}"
            )
    return _joined({name: known[name] for name in names})


def of_page(model: str, wanted: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `demo.model`, now `model`, or the first of `entries` that can take its place; '' for none.

    Where `default` is `wanted` it is that of the commit.
    """
    if "default" in wanted.split(","):
        model = _committed().get("demo", {}).get("model", model)
    fit = [name for name, entry in entries.items() if entry.get("algorithm") in tuple(PACKERS)]
    return model if model in fit else next(iter(fit), "")


def _joined(blocks: dict[str, Any]) -> Any:
    """Join blocks of several files; the empty line after the last one of a file follows the last of all."""
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import CommentMark
    from ruamel.yaml.tokens import CommentToken

    ends = [(block.ca.items, next(reversed(block))) for block in blocks.values()]
    for items, last in ends:
        if last in items and not items[last][2].value.strip():
            del items[last]
    items, last = ends[-1]
    items.setdefault(last, [None, None, CommentToken("\n\n", CommentMark(0), None), None])
    return CommentedMap(blocks)


def _parsed(text: str) -> Any:
    """Parse a file with its comments."""
    from ruamel.yaml import YAML

    return YAML().load(text)


def _committed() -> Any:
    """Return params.yaml of the commit; {} where it has no models of its own."""
    try:
        committed = _parsed(call("git", "show", "HEAD:./params.yaml"))
    except MarqueeError:
        return {}
    return {} if presets.is_from_preset(committed["models"]) else committed
