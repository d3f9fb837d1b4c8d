"""Stage `report`: build one page of all results."""

from __future__ import annotations

from pathlib import Path

from marquee.config import Params
from marquee.io import write_text
from marquee.report import ReportContent, render
from stages._runner import PARAMS, run


def main(_: Params) -> None:
    write_text(Path("plots/report.html"), render(ReportContent.read(Path("data"), PARAMS)))


if __name__ == "__main__":
    run(main)
