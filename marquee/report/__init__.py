"""Build the page of results: self-contained HTML, the same bytes for the same content.

`content` is everything on the page, `views` arranges it for the templates, and `page` renders them.
"""

from marquee.report.content import Against, PageFigure, ReportContent
from marquee.report.page import render

__all__ = ["Against", "PageFigure", "ReportContent", "render"]
