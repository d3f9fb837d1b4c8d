"""Stop a stage before it starts if it would not fit into memory: by formula, in milliseconds."""

from __future__ import annotations

import json
from pathlib import Path

from marquee.config import Params
from marquee.errors import MarqueeError
from marquee.resources.memory_limit import memory_limit
from marquee.resources.memory_model import memory_need, too_much
from marquee.resources.pipeline_sizes import PipelineSizes, pipeline_sizes


def require_memory(stage: str, params: Params) -> None:
    """Raise MarqueeError with the limit, the need and what to lower if `stage` would not fit."""
    try:
        sizes = known_sizes(params)
        need = memory_need(stage, params, sizes)
    except Exception:  # the stage itself names a fault in the parameters
        return
    if line := too_much(need, sizes, memory_limit()):
        raise MarqueeError(line)


def known_sizes(params: Params) -> PipelineSizes:
    """The sizes of the chosen data, as counted by ingest if it has run."""
    try:
        card = json.loads(Path("data/dataset.json").read_text("utf-8"))
    except (OSError, ValueError):
        card = None
    return pipeline_sizes(params, card)
