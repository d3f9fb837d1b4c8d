"""Before a stage: does it fit into memory? Formulas alone, in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marquee.errors import MarqueeError
from marquee.resources.memory_limit import memory_limit
from marquee.resources.memory_model import BASE, memory_need, too_much
from marquee.resources.pipeline_sizes import PipelineSizes, pipeline_sizes


def require_memory(stage: str, settings: Mapping[str, Any]) -> None:
    """Raises MarqueeError with the limit, the need and the way out where the stage would not fit."""
    try:
        real = known(settings)
        needs = memory_need(stage, settings, real)
    except Exception:  # a fault in the parameters is the stage's own to name
        return
    if line := too_much(needs, BASE, real, memory_limit()):
        raise MarqueeError(line)


def known(settings: Mapping[str, Any]) -> PipelineSizes:
    """The sizes of the chosen data, counted where ingest has been."""
    try:
        card = json.loads(Path("data/dataset.json").read_text("utf-8"))
    except (OSError, ValueError):
        card = None
    return pipeline_sizes(settings, card)
