"""The page around DVC's charts: self-contained, and with the licenses of what it contains."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

DVC = Path(__file__).parents[1] / ".dvc"


def test_dvc_uses_a_page_that_loads_nothing():
    config = configparser.ConfigParser()
    config.read(DVC / "config")
    page = (DVC / config["plots"]["html_template"]).read_text("utf-8")
    frame = re.sub(r"(?<=<script>).*?(?=</script>)", "", page, flags=re.DOTALL)
    assert re.findall(r"(?:src|href)=", frame) == []
    assert page.count("{plot_divs}") == page.count("{refresh_tag}") == 1
    assert "{scripts}" not in page, "DVC would load its scripts from another host there"
    assert page.count("<script>") == page.count("</script>") == 3


def test_the_licenses_of_the_bundled_scripts_are_kept():
    page = (DVC / "plots/page.html").read_text("utf-8")
    comment = re.search(r"<!--(.*?)-->", page, re.DOTALL)[1]
    for name in ("vega", "vega-lite", "vega-embed", "d3-scale", "topojson-client", "fast-json-patch"):
        assert re.search(rf"^{name} [\d.]+ \([\w-]+\)$", comment, re.MULTILINE), name
    for words in (
        "Redistribution and use in source and binary forms",
        "Interactive Data Lab",
        "Mike Bostock",
    ):
        assert words in comment
