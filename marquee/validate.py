"""Find before a run what a stage would refuse: all that params.yaml and the release say beforehand."""

from __future__ import annotations

from pathlib import Path

from marquee import recommenders
from marquee.config import Params
from marquee.data.ratings import lowest_positive
from marquee.demo.models import require_packable
from marquee.errors import MarqueeError
from marquee.io import read_json
from marquee.movielens.releases import SIMULATED, release
from marquee.movielens.sources import chosen_source
from marquee.resources.memory_limit import memory_limit
from marquee.resources.memory_model import memory_need, too_much
from marquee.resources.pipeline_sizes import PipelineSizes, pipeline_sizes
from marquee.resources.plan import stages


def require_valid(params: Params) -> None:
    """Raise MarqueeError for a block that its stage would refuse."""
    known = release(params.dataset.name)
    require_models(params)
    require_packable(params)
    if known.name == SIMULATED:
        _check_files(params)
    scale = params.simulator.scale if known.name == SIMULATED else known.scale
    threshold = params.tasks["ranking"].positive_threshold
    if scale and lowest_positive(threshold, *scale) > scale[1]:
        raise MarqueeError(
            f"tasks.ranking.positive_threshold is {threshold}, but no rating of {known.name} is above "
            f"{scale[1]:g}: lower it"
        )
    least = params.ingest.min_rating
    if scale and least is not None and least > scale[1]:
        raise MarqueeError(
            f"ingest.min_rating is {least:g}, but no rating of {known.name} is above {scale[1]:g}: lower it"
        )
    sizes = known_sizes(params)
    if sizes and max(params.evaluate.ks) > sizes.items:
        raise MarqueeError(
            f"evaluate.ks has {max(params.evaluate.ks)}, but {known.name} has {sizes.items:,} movies: "
            "take shorter lists"
        )
    chosen_source(known, params.dataset, watched=True)


def require_models(params: Params) -> None:
    """Raise MarqueeError for a model that its algorithm would refuse."""
    for name, entry in params.models.items():
        recommenders.check(entry, f"models.{name}", params.negatives.per_positive)


def require_machine(params: Params, sizes: PipelineSizes | None) -> None:
    """Raise MarqueeError for a device that this machine lacks, and for a stage that does not fit."""
    for name, entry in params.models.items():
        if entry.options.get("device") == "cuda":  # torch takes two seconds to import
            from marquee.training.networks.trainer import choose_device

            try:
                choose_device("cuda")
            except MarqueeError as error:
                raise MarqueeError(f"models.{name}: {error}") from None
    if sizes is None:
        return
    limit = memory_limit()
    for stage in stages(params):
        if line := too_much(memory_need(stage, params, sizes), sizes, limit):
            raise MarqueeError(f"{stage} {line}")


def known_sizes(params: Params, card: Path | None = None) -> PipelineSizes | None:
    """Return the sizes of the release, or those that ingest counted in `card`; None where nothing tells."""
    try:
        return pipeline_sizes(params, read_json(card) if card and card.is_file() else None)
    except (MarqueeError, ValueError, KeyError):  # a damaged card counts as none
        return None


def _check_files(params: Params) -> None:
    """Raise MarqueeError for files that simulated data do not have."""
    for task, options in params.tasks.items():
        if options.split == "file":
            raise MarqueeError(
                f"tasks.{task}.split is 'file', but {SIMULATED} has no published split: "
                "take another split or release"
            )
    if params.candidates.file:
        raise MarqueeError(
            f"candidates.file is {params.candidates.file!r}, but {SIMULATED} has no such file: leave it empty"
        )
