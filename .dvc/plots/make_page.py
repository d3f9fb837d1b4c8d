"""Make page.html, around the charts of `dvc plots show`, which draws them without a network.

    npm install --no-save --prefix FOLDER vega@5 vega-lite@5 vega-embed@6
    python .dvc/plots/make_page.py FOLDER

The page contains the three scripts and the licenses of all that is bundled in them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

SCRIPTS = ("vega", "vega-lite", "vega-embed")
BUNDLED = re.compile(
    "vega.*|d3-.*|delaunator|fast-json-patch|internmap|json-stringify-pretty-compact|robust-predicates|semver"
    "|topojson-client|tslib"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>DVC plots</title>
<!--
%s
-->
%s
<style>
  body { margin: 2rem; font: 1rem/1.5 system-ui, sans-serif; }
  img { max-width: 100%%; }
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def licenses(packages: Path) -> str:
    """Return each license once, below the names, versions and copyright lines of the packages under it."""
    found: dict[str, list[str]] = {}
    for folder in sorted(packages.iterdir()):
        if not BUNDLED.fullmatch(folder.name):
            continue
        about = json.loads((folder / "package.json").read_text("utf-8"))
        files = [
            *folder.glob("LICENSE*"),
            *folder.glob("CopyrightNotice.txt"),
            packages / "vega-lite/LICENSE",
        ]
        paragraphs = files[0].read_text("utf-8").replace("--", "- -").strip().split("\n\n")
        owners = [part for part in paragraphs if part.startswith("Copyright")]
        text = "\n\n".join(part for part in paragraphs if part not in owners)
        head = f"{folder.name} {about['version']} ({about['license']})"
        found.setdefault(" ".join(text.split()), [text]).append("\n  ".join([head, *owners]))
    return "\n\n".join("\n".join([*names, "", text]) for text, *names in found.values())


def main(packages: Path) -> None:
    scripts = [(packages / name / f"build/{name}.min.js").read_text("utf-8") for name in SCRIPTS]
    whole = [re.sub(r"\n//# sourceMappingURL.*", "", script).strip() for script in scripts]
    assert not any("</script" in script or "{plot_divs}" in script for script in whole)
    page = PAGE % (licenses(packages), "\n".join(f"<script>\n{script}\n</script>" for script in whole))
    Path(__file__).with_name("page.html").write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "node_modules")
