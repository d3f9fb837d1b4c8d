"""Say which stages stay on this machine where MARQUEE_ENGINE=spark, and what they need there."""

from __future__ import annotations

from pathlib import Path

from marquee.config import Params
from marquee.io import read_json
from marquee.resources.memory_limit import GIB
from marquee.resources.memory_model import memory_need
from marquee.resources.pipeline_sizes import pipeline_sizes

STAGES = ("ingest", "split", "negatives", "candidates")
TRAINED = ("popularity", "bias", "als", "ials")  # whose training is mapped over blocks
WITH_FACTORS = (*TRAINED, "popular_recent", "mf_bce", "neural_mf", "sgd_mf")  # whose evaluation is
SMALL = ("check", "download")  # which copy files and read parameters


def runs_on_spark(stage: str, params: Params) -> bool:
    """Return whether the engine maps the work of `train@als_mf`, `split@rating`, ..."""
    kind, _, name = stage.partition("@")
    if kind == "train":
        return params.model(name).algorithm in TRAINED
    if kind == "evaluate":
        entry = params.model(name)  # layers make scores that are no product of factors
        return entry.algorithm in WITH_FACTORS and not entry.options.get("mlp_layers")
    return kind in STAGES


def place(stage: str, params: Params) -> str | None:
    """Return the line for a stage that runs here although Spark is chosen; None for any other."""
    if stage in SMALL or runs_on_spark(stage, params):
        return None
    counted = Path("data/dataset.json")
    sizes = pipeline_sizes(params, read_json(counted) if counted.is_file() else None)
    need = memory_need(stage, params, sizes).bytes
    return (
        f"{stage} runs on this machine and not on Spark: it needs about {need / GIB:.1f} GiB of memory here"
    )
