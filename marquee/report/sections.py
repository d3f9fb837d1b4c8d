"""What the models learned from, how, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from marquee.figures import dataset as rated
from marquee.figures import leaderboard
from marquee.report.content import ReportContent
from marquee.report.markup import day, number, picture, plain, table

COUNTED = {"ratings": "ratings", "users": "people", "items": "movies"}


def dataset(content: ReportContent) -> str:
    card = content.card
    low, high, step = (plain(card["scale"][key]) for key in ("low", "high", "step"))
    facts = {words.capitalize(): number(card[key]) for key, words in COUNTED.items()} | {
        "Density": f"{card['density']:.2%}",
        "Mean rating": f"{card['mean_rating']:.2f}",
        "Scale": f"{low} to {high}" + (f" by {step}" if card["scale"]["step"] else ""),
        "First rating": day(card["first_timestamp"]),
        "Last rating": day(card["last_timestamp"]),
    }
    cells = [f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items()]
    dropped = {reason.replace("_", " "): n for reason, n in card["dropped"].items()}
    return "\n".join(
        [
            f'<dl class="facts">{"".join(cells)}</dl>',
            f'<div class="figures">{_histogram(card)}{_times(content)}</div>',
            "<h3>Movies of each genre</h3>",
            _listing(card["genres"]),
            "<h3>Rows left out while reading</h3>",
            _listing(dropped),
            f'<p class="note">Licence: {escape(card["licence"])}</p>',
        ]
    )


def _histogram(card: Mapping[str, Any]) -> str:
    _, bars = rated.rating_rows(**card["histogram"])
    often, _, share = max(bars, key=lambda row: row[1])
    caption = (
        f"How often each rating is given: {often:g} most often, in {share:.0%} of all cases. "
        f"The mean is {card['mean_rating']:.2f}."
    )
    alt = "Ratings: " + ", ".join(f"{value:g} {share:.0%}" for value, _, share in bars)
    return picture(rated.rating_histogram(**card["histogram"]), "histogram", caption, alt)


def _times(content: ReportContent) -> str:
    _, rows = rated.time_rows(content.timestamp)
    caption = "The source says of no rating when it was given."
    if rows:
        start, most, unit = max(rows, key=lambda row: row[1])
        caption = f"When ratings were given. The busiest {unit}, from {start} on, has {number(most)} of them."
    return picture(rated.ratings_over_time(content.timestamp), "times", caption)


def _listing(counts: Mapping[str, int]) -> str:
    """Names and their counts, the largest first, in as many columns as fit."""
    order = sorted(counts, key=lambda name: (-counts[name], name))
    items = [f"<li>{escape(name)} <span>{number(counts[name])}</span></li>" for name in order]
    return f'<ul class="plain">{"".join(items) or "<li>none known</li>"}</ul>'


def tail(content: ReportContent) -> str:
    heads = [f"the top {part:.0%} hold {rated.head_share(content.item, part):.0%}" for part in rated.HEADS]
    caption = f"Ratings of each movie, both axes logarithmic. Of all ratings {' and '.join(heads)}."
    figures = [picture(rated.long_tail(content.item), "tail", caption)]
    if content.recommended:
        first = {model: shares[0] for model, shares in content.recommended.items()}
        most, least = max(first, key=first.__getitem__), min(first, key=first.__getitem__)
        caption = (
            f"Where recommendations come from. The most rated tenth of the catalogue has "
            f"{content.learned[0]:.0%} of the training ratings; {escape(most)} gives it {first[most]:.0%} of "
            f"its recommendations, {escape(least)} {first[least]:.0%}. Coverage is the part of the catalogue "
            "that is recommended to anybody."
        )
        drawn = leaderboard.recommended_tail(content.recommended, content.learned, content.coverage)
        figures.append(picture(drawn, "recommended", caption))
    return f'<div class="figures">{"".join(figures)}</div>'


def parameters(content: ReportContent) -> str:
    """A table for each model, then one for each other block of params.yaml."""
    others = {name: entry for name, entry in content.params.items() if name != "models"}
    blocks = [*_blocks("", content.params.get("models", {})), *_blocks("general", others)]
    tables = [
        f'<div class="block"><h4>{escape(name)}</h4>'
        f"{table([], [('', [escape(key), plain(value)]) for key, value in entry.items()])}</div>"
        for name, entry in blocks
    ]
    return f'<div class="blocks">{"".join(tables)}</div>'


def _blocks(name: str, entry: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, dict[str, Any]]]:
    """What stands in `entry` itself under `name`, then each block inside it under its dotted key."""
    own = {key: value for key, value in entry.items() if not isinstance(value, Mapping)}
    if own:
        yield name, own
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from _blocks(f"{prefix}{key}", value, f"{prefix}{key}.")


def provenance(content: ReportContent) -> str:
    versions = [("", [escape(name), escape(version)]) for name, version in sorted(content.versions.items())]
    made_with = f'<div class="block">{table([], versions)}</div>'
    return (
        f"<p>This command makes this page again:</p>\n<pre>{escape(content.command)}</pre>\n"
        f"<p>from ratings with this SHA-256:</p>\n<pre>{escape(content.data_hash)}</pre>\n"
        f'<p>with these versions:</p>\n<div class="blocks">{made_with}</div>'
    )
