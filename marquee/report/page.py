"""Render the templates. The page refers to nothing outside itself, and says everything without its script."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from marquee.leaderboard.metrics import metric_title
from marquee.leaderboard.table import DECIMALS, ORACLE
from marquee.report.content import PageFigure, ReportContent
from marquee.report.views import (
    FIGURES,
    boards,
    group_tables,
    metric_tables,
    parameter_blocks,
    positives_warning,
    sections,
    two_goals,
)
from marquee.terminal import printable_lines

TEMPLATES = Path(__file__).with_name("templates")
ROUNDING = 10**-DECIMALS  # of a stored p
SHOWN = 3  # users whose recommendations a model shows
TAG = re.compile(r"<[^>]*>")
IDS = re.compile(r'(?<= id=")|(?<=href="#)|(?<=url\(#)')


def render(content: ReportContent) -> str:
    """Return the page as HTML; every text of the content is escaped but the drawings.

    Characters that a reader cannot see and a browser would obey are left out.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "percent": "{:.0%}".format,
        "p_value": p_value,
        "day": day,
        "setting": setting,
        "title": metric_title,
        "anchor": anchor,
    }
    content = number_figures(content)
    page = environment.get_template("page.html.j2").render(
        content=content,
        sections=sections(content),
        figure_order=FIGURES,
        boards=boards(content),
        metric_tables=metric_tables(content),
        group_tables=group_tables(content),
        two_goals=two_goals(content),
        positives_warning=positives_warning(content),
        parameter_blocks=parameter_blocks(content.params),
        oracle_name=ORACLE,
        shown=SHOWN,
    )
    return printable_lines(page)


def number_figures(content: ReportContent) -> ReportContent:
    """Return the content with f1-, f2-, ... before the ids of each drawing, so that none occurs twice."""
    numbers = count(1)

    def numbered(figures: Mapping[str, PageFigure]) -> dict[str, PageFigure]:
        return {
            kind: replace(figure, svg=_prefix_ids(figure.svg, f"f{next(numbers)}-"))
            for kind, figure in figures.items()
        }

    return replace(
        content,
        dataset=numbered(content.dataset),
        leaderboard=numbered(content.leaderboard),
        models={name: numbered(figures) for name, figures in content.models.items()},
    )


def _prefix_ids(svg: str, prefix: str) -> str:
    return TAG.sub(lambda tag: IDS.sub(prefix, tag[0]), svg)


def anchor(name: str, kind: str = "model") -> str:
    """Return the id of the part about a model, or of another `kind`: `model-ease`."""
    return f"{kind}-" + re.sub(r"[^A-Za-z0-9_-]", lambda letter: f".{ord(letter[0]):x}.", name)


def number(value: float | None, sign: bool = False) -> str:
    """Format `12,500` for a whole number, `0.4123` for another, `–` for None; with a true minus."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:{'+' if sign else ''}.4f}".replace("-", "−")


def p_value(p: float | None, least: float = 0) -> str:
    """Format `0.034`, `< 0.001` or `–`; `≤ 0.013` where `least` is the smallest p that could be found."""
    if p is None:
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"≤ {math.ceil(1000 * p - 1e-3) / 1000:.3f}" if p <= least + ROUNDING else f"{p:.3f}"


def day(seconds: int | None) -> str:
    return "–" if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()


def setting(value: Any) -> str:
    """Format a value as params.yaml has it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(setting, value))
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "–"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
