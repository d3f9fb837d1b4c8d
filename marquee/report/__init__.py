"""The page that a person looks at: self-contained HTML, the same bytes for the same content.

`content` is everything that stands on it, `page` the whole, `result`, `models` and `sections` its parts,
`markup` what those are made of and `page.html` how it looks.
"""

from marquee.report.content import ReportContent
from marquee.report.page import render

__all__ = ["ReportContent", "render"]
