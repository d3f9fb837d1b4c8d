"""Before a stage: does it fit into memory? Formulas alone, in milliseconds."""

from __future__ import annotations

import json
from pathlib import Path

from marquee.config import Params
from marquee.errors import MarqueeError
from marquee.resources.memory_limit import memory_limit
from marquee.resources.memory_model import BASE, memory_need, too_much
from marquee.resources.pipeline_sizes import PipelineSizes, pipeline_sizes


def require_memory(stage: str, params: Params) -> None:
    """Raises MarqueeError with the limit, the need and the way out where the stage would not fit."""
    try:
        real = known(params)
        needs = memory_need(stage, params, real)
    except Exception:  # a fault in the parameters is the stage's own to name
        return
    if line := too_much(needs, BASE, real, memory_limit()):
        raise MarqueeError(line)


def known(params: Params) -> PipelineSizes:
    """The sizes of the chosen data, counted where ingest has been."""
    try:
        card = json.loads(Path("data/dataset.json").read_text("utf-8"))
    except (OSError, ValueError):
        card = None
    return pipeline_sizes(params, card)
