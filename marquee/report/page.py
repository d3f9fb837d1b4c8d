"""The whole page, from its parts."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from marquee.report import models, result, sections
from marquee.report.content import ReportContent
from marquee.report.markup import number

TEMPLATE = Path(__file__).with_name("page.html")
SECTIONS = (
    ("data", "The data", sections.dataset),
    ("leaderboard", "Leaderboard", result.leaderboard),
    ("models", "Model by model", models.models),
    ("tail", "Long tail and coverage", sections.tail),
    ("parameters", "Hyper-parameters", sections.parameters),
    ("provenance", "Provenance", sections.provenance),
    ("metrics", "Every metric", result.every_metric),
)


def render(content: ReportContent) -> str:
    """The page as HTML. It refers to nothing outside itself and runs no script."""
    written = [
        f'<section id="{name}">\n<h2>{words}</h2>\n{write(content)}\n</section>'
        for name, words, write in SECTIONS
    ]
    counted = [f"{number(content.card[key])} {words}" for key, words in sections.COUNTED.items()]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(content.title),
        subtitle=f"Recommenders compared on {escape(content.card['name'])}: {', '.join(counted)}",
        headline="\n".join(f"<p>{result.leader(content, task)}</p>" for task in content.headline),
        contents="\n".join(f'<li><a href="#{name}">{words}</a></li>' for name, words, _ in SECTIONS),
        sections="\n".join(written),
    )
