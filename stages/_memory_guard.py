"""Stop a stage before it starts if it would not fit into memory: by formula, in milliseconds."""

from __future__ import annotations

from pathlib import Path

from marquee.config import Params
from marquee.errors import MarqueeError
from marquee.io import read_json
from marquee.resources.memory_limit import memory_limit
from marquee.resources.memory_model import memory_need, too_much
from marquee.resources.pipeline_sizes import pipeline_sizes


def require_memory(stage: str, params: Params) -> None:
    """Raise MarqueeError with the limit, the need and what to lower if `stage` would not fit."""
    try:
        counted = Path("data/dataset.json")
        sizes = pipeline_sizes(params, read_json(counted) if counted.is_file() else None)
        need = memory_need(stage, params, sizes)
    except Exception:  # the stage itself names a fault in the parameters
        return
    if line := too_much(need, sizes, memory_limit()):
        raise MarqueeError(line)
