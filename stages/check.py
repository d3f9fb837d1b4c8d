"""Stage `check`: refuse a params.yaml that a later stage would refuse, before any output is touched."""

from __future__ import annotations

from pathlib import Path

from marquee import config
from marquee.io import write_json
from marquee.validate import require_valid
from stages._runner import run


def main(params: config.Params) -> None:
    require_valid(params)
    write_json(Path("data/check.json"), {"params.yaml": "no fault found"})  # always the same: nothing reruns


if __name__ == "__main__":
    run(main)
