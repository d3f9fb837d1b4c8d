"""Make a figure part of a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from marquee.figures.style import BLACK, BLUE, INK, ORANGE, QUIET, RULE, RUST, WHITE
from marquee.terminal import printable_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_COLORS = {INK: "ink", QUIET: "quiet", RULE: "rule", BLUE: "blue", ORANGE: "orange", RUST: "rust"}
PAGE_COLORS |= {WHITE: "page", BLACK: "ink"}
NAMED = "name:"  # what the address of a dot begins with: the name follows
LEAST = 9  # pixels of a letter on any screen
LENGTHS = re.compile(r"(\.\d\d)\d+")
REFERENCE = re.compile(r"(?<=^#).+|(?<=^url\(#)[^)]+")
SIZE = re.compile(r"font(?:-size)?:[^;]*?([\d.]+)px")


def svg(figure: Figure) -> str:
    """Return `figure` as an `<svg>` element for an HTML page, the same text for the same figure.

    Letters stay text in the page's font. Colors become the page's variables (`--ink`, `--blue`, ...), so
    that the page decides how they look on a dark screen and on paper. A dot whose address is `NAMED` and a
    name says that name when pointed at. Ids are a0, a1, ...; coordinates are cut to a hundredth of a point.
    The element never gets so narrow that a letter is smaller than `LEAST`.
    """
    root = fromstring(printable_lines(_drawn(figure)))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text, element.tail = (element.text or "").strip(), ""
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    for parent in list(root.iter()):
        parent[:] = [_named(child) for child in parent if child.tag not in ("metadata", "style")]
    for element in root.iter():
        element.attrib = {
            key: _of_page(value) for key, value in element.items() if not value.startswith("rotate(-0 ")
        }
    _shorten_ids(root)
    _share_styles(root)
    _unwrap_groups(root)
    _, _, width, height = root.attrib["viewBox"].split()
    letters = [float(size) for text in root.iter("text") for size in SIZE.findall(text.get("style", ""))]
    narrowest = float(width) * LEAST / min(letters, default=LEAST)
    size = f"width: {float(width) * 96 / 72:.0f}px; min-width: {narrowest:.0f}px"
    root.attrib = {"viewBox": f"0 0 {width} {height}", "style": size}
    return tostring(root, encoding="unicode")


def _drawn(figure: Figure) -> str:
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    file = io.StringIO()
    sheets = [figure.patch, *(axes.patch for axes in figure.axes)]
    for sheet in sheets:  # savefig(transparent=True) does this, but draws twice
        sheet.set_visible(False)
    with style.context({"svg.hashsalt": "marquee", "svg.fonttype": "none"}, after_reset=True):
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})
    for sheet in sheets:
        sheet.set_visible(True)
    return file.getvalue()


def _named(element: Element) -> Element:
    """Return the dot inside an address that begins with NAMED, titled; any other element as it is."""
    if not element.get("href", "").startswith(NAMED):
        return element
    (dot,) = [part for part in element.iter() if part.tag in ("use", "path")]  # a path where dots are few
    SubElement(dot, "title").text = element.get("href", "").removeprefix(NAMED)
    return dot


def _of_page(value: str) -> str:
    """Return the value of an attribute with the page's colors and font, and with short numbers."""
    for color, variable in PAGE_COLORS.items():
        value = value.replace(color, f"var(--{variable})")
    return LENGTHS.sub(r"\1", " ".join(value.replace("font-family: 'DejaVu Sans'; ", "").split()))


def _shorten_ids(root: Element) -> None:
    """Number the ids that something refers to, and drop the others."""
    parts = list(root.iter())
    used = [name for part in parts for value in part.attrib.values() for name in REFERENCE.findall(value)]
    short = {name: f"a{n}" for n, name in enumerate(dict.fromkeys(used))}
    for part in parts:
        found = part.attrib.pop("id", None)
        for key, value in part.items():
            part.set(key, REFERENCE.sub(lambda name: short[name[0]], value))
        if found in short:
            part.set("id", short[found])


def _share_styles(root: Element) -> None:
    """Move a style that all dots of a group have to the group."""
    for group in root.iter("g"):
        dots = group.findall("use")
        styles = {dot.get("style", "") for dot in dots}
        alone = all(child.tag in ("use", "defs") for child in group)
        if alone and len(dots) > 1 and len(styles) == 1 and "style" not in group.attrib:
            group.set("style", dots[0].attrib["style"])
            for dot in dots:
                del dot.attrib["style"]


def _unwrap_groups(element: Element) -> None:
    """Replace each group that says nothing by what is in it."""
    for child in element:
        _unwrap_groups(child)
    element[:] = [
        part for child in element for part in ([child] if child.tag != "g" or child.attrib else list(child))
    ]
    element[:] = [child for child in element if child.tag != "defs" or len(child)]
