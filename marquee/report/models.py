"""Each model by itself: how its fit went, where it errs, what it learned."""

from __future__ import annotations

from html import escape

from marquee.figures.leaderboard import lower_is_better, metric_title, ranked
from marquee.figures.learning_curve import Curve, best_epoch, learning_curve
from marquee.leaderboard.table import ORACLE
from marquee.report.content import ReportContent
from marquee.report.markup import framed, number, picture

WIDE = ("errors", "map", "biases")  # they take the width of the page
VALIDATED = {"rating": ("rmse", "RMSE (stars)"), "ranking": ("ndcg@10", "NDCG@10")}  # what chooses the epoch


def models(content: ReportContent) -> str:
    """A part that opens for each model, the best first; that of each task is open."""
    parts = [
        "<p>How each fit went, where its predictions err and what it learned of the movies. The best model "
        "of each task is open. The error on training ratings is the one made on the way through an epoch, "
        "dropout in place; ALS goes through them once more when a sweep is done.</p>"
    ]
    for task, metric in content.headline.items():
        found = [row for row in ranked(content.rows, task, metric) if row["model"] != ORACLE]
        parts += [f"<h3>{escape(task.capitalize())}</h3>"] if found else []
        for place, row in enumerate(found):
            value = f"{escape(metric_title(metric))} {number(row['value'])}"
            summary = f"<summary><strong>{escape(row['model'])}</strong> <span>{value}</span></summary>"
            inside = _pictures(content, row["model"], task)
            parts.append(f"<details{' open' if place == 0 else ''}>{summary}\n{inside}</details>")
    return "\n".join(parts)


def _pictures(content: ReportContent, model: str, task: str) -> str:
    curve, pictures = content.curves.get(model, []), content.pictures.get(model, {})
    figures = []
    if len(curve) > 1:
        name, label = VALIDATED[task]
        drawn = learning_curve(curve, label, lower_is_better(name))
        place = sorted(content.curves).index(model)  # names are no ids: they may hold anything
        figures.append(picture(drawn, f"curve-{place}", _describe_curve(curve, metric_title(name), task)))
    narrow = [kind for kind in pictures if kind not in WIDE]
    for kind in (*narrow, *(kind for kind in WIDE if kind in pictures)):
        drawing, caption = pictures[kind]
        classes = f"{kind} wide" if kind in WIDE else kind
        figures.append(framed(drawing, escape(caption), kind=classes))
    note = "" if len(curve) > 1 else "<p>Fitted at once, without epochs.</p>\n"
    if "map" not in pictures:
        note += "<p>It knows a movie by one number, the same for every taste: there is no map.</p>\n"
    return f'{note}<div class="figures">{"".join(figures)}</div>' if figures else note


def _describe_curve(curve: Curve, metric: str, task: str) -> str:
    best = best_epoch(curve, lower_is_better(VALIDATED[task][0]))
    words = f"{len(curve)} epochs; the weights of epoch {best['epoch']:g} were kept"
    if "validation" not in best:
        return f"{words}, the last."
    words += f", where validation {metric} is best, {number(best['validation'])}"
    if "train" not in best:
        return f"{words}."
    words += f"; on training ratings it is {number(best['train'])} there"
    if len(curve) > best["epoch"]:
        last = (number(curve[-1][name]) for name in ("train", "validation"))
        words += ", in the last epoch {} and {} on validation".format(*last)
    return f"{words}."
