"""`marquee plan`: the memory and disk that a run takes, by formula, before anything is downloaded."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from os.path import lexists
from pathlib import Path

from marquee import config, validate
from marquee.cli import project
from marquee.cli.use import PARAMS, set_keys, settings_of
from marquee.io import read_sealed, reading
from marquee.movielens.releases import RELEASES
from marquee.resources.memory_limit import GIB, memory_limit
from marquee.resources.pipeline_sizes import pipeline_sizes
from marquee.resources.plan import PlannedStage, plan
from marquee.terminal import aligned

MIB = 1 << 20


def configure(parser: ArgumentParser) -> None:
    known = f"as `marquee use` would set it: {', '.join(RELEASES)}"
    parser.add_argument("--dataset", metavar="NAME", choices=RELEASES, help=known)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: Namespace) -> None:
    tree = config.load(PARAMS)
    if args.dataset is not None:
        set_keys(tree, settings_of(args.dataset))
    params = config.parse(config.Params, tree, "")
    validate.require_valid(params)
    card = Path("data/dataset.json")
    with reading(card):
        sizes = pipeline_sizes(params, read_sealed(card) if lexists(card) else None)
    limit = memory_limit()
    planned = plan(params, sizes, limit, project.log())
    if args.json:
        rows = [asdict(stage) for stage in planned]
        bytes = limit and limit.bytes
        project.print_json({"dataset": params.dataset.name, "memory_limit": bytes, "stages": rows})
        return
    counts = f"{sizes.ratings:,} ratings of {sizes.users:,} users and {sizes.items:,} movies"
    print(f"{params.dataset.name}: {counts}\n\n{_table(planned)}\n")
    disk = sum(stage.disk_bytes for stage in planned)
    print(f"disk: {disk / GIB:.2f} GiB, and as much in DVC's cache where the file system cannot clone files")
    largest = max(planned, key=lambda stage: stage.memory_bytes)
    needed = f"{largest.memory_bytes / GIB:.1f} GiB for {largest.stage}"
    print(f"memory: at most {needed}; {limit.words if limit else 'how much is available is not known'}")
    for stage in planned:
        if stage.remedy:
            print(f"{stage.stage} does not fit: {stage.remedy}")


def _table(planned: list[PlannedStage]) -> str:
    rows = [
        [
            stage.stage,
            f"{stage.memory_bytes / MIB:,.0f}",
            "no" if stage.remedy else "yes",
            f"{stage.disk_bytes / MIB:,.1f}",
            "-" if stage.last_seconds is None else f"{stage.last_seconds:,.1f}",
            "-" if stage.last_peak_mib is None else f"{stage.last_peak_mib:,}",
            (stage.last_ended or "-").replace("T", " "),
        ]
        for stage in planned
    ]
    head = ["stage", "memory MiB", "fits", "disk MiB", "last run s", "its peak MiB", "ended"]
    return aligned([head, *rows], "lrrrrrl")
