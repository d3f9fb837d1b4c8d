"""Render the templates. The page refers to nothing outside itself and runs no script."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marquee.leaderboard.metrics import metric_title
from marquee.leaderboard.table import ORACLE
from marquee.report.content import ReportContent
from marquee.report.views import boards, metric_tables, parameter_blocks, positives_warning, two_goals
from marquee.terminal import printable_lines

TEMPLATES = Path(__file__).with_name("templates")


def render(content: ReportContent) -> str:
    """Return the page as HTML; every text of the content is escaped but the drawings."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_clean,
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
    }
    return environment.get_template("page.html.j2").render(
        content=content,
        boards=boards(content),
        metric_tables=metric_tables(content),
        two_goals=two_goals(content),
        positives_warning=positives_warning(content),
        parameter_blocks=parameter_blocks(content.params),
        oracle_name=ORACLE,
    )


def _clean(value: Any) -> Any:
    """Take control characters out of plain text; a drawing and what a macro made are Markup."""
    return printable_lines(value) if type(value) is str else value


def number(value: float | None, sign: bool = False) -> str:
    """Format `12,500` for a whole number, `0.4123` for another, `–` for None; with a true minus."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:{'+' if sign else ''}.4f}".replace("-", "−")


def p_value(p: float | None) -> str:
    """Format `0.034`, `< 0.001` or `–`."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def day(seconds: int | None) -> str:
    return "–" if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()


def setting(value: Any) -> str:
    """Format a value as params.yaml has it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(setting, value))
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "–"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
