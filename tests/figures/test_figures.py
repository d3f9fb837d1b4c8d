"""The figures: what they show, that they are labeled, and that nothing in them overlaps."""

from __future__ import annotations

import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from marquee.errors import MarqueeError
from marquee.evaluation.residuals import tables
from marquee.figures import captioned, dataset, leaderboard, learning_curve, rating_errors
from marquee.figures.style import BLUE, ORANGE
from marquee.io import read_json, sha256, write_figure

DAY = 86_400
MONDAY = 4 * DAY  # 1970-01-05


def row(model, value, best=False, p=None, metric="ndcg@10"):
    return {
        "task": "rating" if metric == "rmse" else "ranking",
        "model": model,
        "metric": metric,
        "value": value,
        "low": value - 0.01,
        "high": value + 0.02,
        "best": best,
        "p_holm": p,
    }


def epochs(values, **others):
    """A curve whose validation goes through `values`, and likewise `train=...` and others."""
    columns = {"validation": values, **others}
    return [
        {"epoch": n + 1, "loss": 1 / (n + 1), **{name: column[n] for name, column in columns.items()}}
        for n in range(len(values))
    ]


BOARD = [
    row("popularity", 0.25, p=0.0001),
    row("ease", 0.4, True),
    row("mf_bce", 0.39, p=0.2),
    row("oracle", 0.5),
]
NAMES = [f"a_rather_long_model_name_{n:02d}" for n in range(25)]
FRACTIONS = [0.4, 0.2, 0.1, 0.1, 0.1, 0.04, 0.03, 0.02, 0.01, 0.0]
RESIDUALS = tables(
    {
        "user": np.arange(400) % 40,
        "item": np.arange(400) % 23,
        "rating": 1.0 + np.arange(400) % 5,
        "predicted": np.linspace(1.5, 4.5, 400),
    },
    np.full(40, 75),
    np.append(np.arange(22) * 13, 0),
    {"low": 1, "high": 5},
)


def at(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.02}


POINTS = {"ease": (at(0.8), at(0.4)), "mf": (at(0.9), at(0.39)), "oracle": (at(0.7), at(0.5))}
LONG_TAIL = np.repeat(np.arange(400), np.geomspace(300, 1, 400).astype(int))

FIGURES = {
    "histogram": lambda: dataset.rating_histogram([1, 2, 3, 4, 5], [6, 11, 27, 34, 21]),
    "half stars, millions": lambda: dataset.rating_histogram(np.arange(1, 11) / 2, [3_200_000] * 10),
    "a scale of a hundred": lambda: dataset.rating_histogram(range(1, 101), range(1, 101)),
    "a few large ones": lambda: dataset.rating_histogram([1, 2, 3, 4, 5, 300_000], [9, 9, 9, 9, 9, 1]),
    "long tail": lambda: dataset.long_tail(LONG_TAIL),
    "tail of ten movies": lambda: dataset.long_tail(np.repeat(np.arange(10), 3)),
    "days": lambda: dataset.ratings_over_time(np.arange(1, 60) * DAY),
    "one day": lambda: dataset.ratings_over_time(np.full(3, 886_000_000)),
    "weeks": lambda: dataset.ratings_over_time(np.arange(874_000_000, 893_000_000, 10_000)),
    "months": lambda: dataset.ratings_over_time(np.arange(800_000_000, 1_700_000_000, DAY)),
    "no times": lambda: dataset.ratings_over_time(np.zeros(3, int)),
    "leaderboard": lambda: leaderboard.leaderboard(BOARD, "ranking", "ndcg@10"),
    "one model": lambda: leaderboard.leaderboard([row("bias", 0.94, True, metric="rmse")], "rating", "rmse"),
    "25 models": lambda: leaderboard.leaderboard(
        [row(name, 0.4 - 0.01 * n, n == 0, 1 / (n + 1)) for n, name in enumerate(NAMES)], "ranking", "ndcg@10"
    ),
    "curve": lambda: learning_curve.learning_curve(epochs([0.1, 0.3, 0.2]), "ranking"),
    "curve of training ratings, too": lambda: learning_curve.learning_curve(
        epochs([1.0, 0.95, 0.96], train=[1.0, 0.96, 0.96]), "rating", " (stars)"
    ),
    "curve of a loss alone": lambda: learning_curve.learning_curve(
        [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4}], "rating"
    ),
    **{
        kind: lambda kind=kind: rating_errors.error_figures(RESIDUALS)[kind]
        for kind in ("errors", "calibration", "errors_by_user", "errors_by_movie")
    },
    "recommended": lambda: leaderboard.recommended_tail(
        {"mf": FRACTIONS, "ease": FRACTIONS}, FRACTIONS, {"mf": 0.12}
    ),
    "accuracy and popularity": lambda: leaderboard.accuracy_by_popularity(POINTS, 10),
    "25 points": lambda: leaderboard.accuracy_by_popularity(
        {name: (at(0.6 + 0.02 * (n % 5)), at(0.1 + 0.01 * n)) for n, name in enumerate(NAMES)}, 10
    ),
    "25 recommended": lambda: leaderboard.recommended_tail(
        dict.fromkeys(NAMES, FRACTIONS), FRACTIONS, dict.fromkeys(NAMES, 1.0)
    ),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


def texts(figure):
    """What is written in the figure, and the place it takes in pixels."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.findobj(mpl.axes.Axes):
        hidden |= set() if axes.axison else set(axes.findobj(Text))
        for axis in (axes.xaxis, axes.yaxis):  # ticks outside the view exist, but are not drawn
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            hidden |= {tick.label1 for tick in ticks if not low <= tick.get_loc() <= high}
    shown = set(figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())) - hidden
    return [(text.get_text(), Text.get_window_extent(text)) for text in shown if text.get_text().strip()]


def test_no_two_words_of_a_figure_overlap(figure):
    pairs = itertools.combinations(texts(figure), 2)
    assert [(one, other) for (one, a), (other, b) in pairs if a.padded(-1).overlaps(b.padded(-1))] == []


def test_every_word_of_a_figure_is_inside_it(figure):
    sheet = figure.bbox.padded(1)
    outside = [
        words
        for words, place in texts(figure)
        if not (sheet.contains(place.x0, place.y0) and sheet.contains(place.x1, place.y1))
    ]
    assert outside == []


def test_both_axes_say_what_they_measure_or_whom(figure):
    for axes in figure.findobj(mpl.axes.Axes):
        if axes.axison:
            stacked = axes.get_shared_x_axes().get_siblings(axes)  # the lowest names it for all
            assert any(one.get_xlabel() for one in stacked)
            names = [label.get_text() for label in axes.get_yticklabels()]
            assert axes.get_ylabel() or {"ease", "bias", NAMES[0]} & set(names)


def test_the_same_figure_has_the_same_bytes_whatever_the_reader_has_set(tmp_path):
    before = dict(mpl.rcParams)
    for name in ("long tail", "months", "leaderboard", "curve"):
        one, two = tmp_path / "one" / f"{name}.svg", tmp_path / "two" / f"{name}.svg"
        write_figure(one, FIGURES[name]())
        assert dict(mpl.rcParams) == before
        with mpl.rc_context({"font.size": 20, "axes.facecolor": "pink", "lines.linewidth": 9}):
            figure = FIGURES[name]()
        write_figure(two, figure)
        assert one.read_bytes() == two.read_bytes(), name


def test_a_bar_is_as_high_as_its_count_and_says_its_fraction():
    (axes,) = dataset.rating_histogram([1, 2, 3], [10, 30, 60]).axes
    assert [bar.get_height() for bar in axes.patches] == [10, 30, 60]
    assert [text.get_text() for text in axes.texts] == ["10%", "30%", "60%"]
    assert dataset.rating_rows([1, 2, 3], [10, 30, 60]) == (
        ("rating", "ratings", "share"),
        [(1.0, 10, 0.1), (2.0, 30, 0.3), (3.0, 60, 0.6)],
    )


def test_the_tail_lists_movies_by_how_often_they_were_rated():
    item = np.array([0, 1, 1, 2, 2, 2, 2, 2, 2, 3])
    _, rows = dataset.tail_rows(item)
    assert rows == [(1, 6, 0.6), (2, 2, 0.8), (3, 1, 0.9), (4, 1, 1.0)]
    assert dataset.head_fraction(item, 0.25) == 0.6
    assert dataset.head_fraction(item, 0.5) == 0.8


def test_the_tail_of_a_large_catalogue_stays_a_small_table():
    _, rows = dataset.tail_rows(np.arange(80_000))
    assert len(rows) <= 400
    assert rows[0] == (1, 1, round(1 / 80_000, 6))
    assert rows[-1] == (80_000, 1, 1.0)


def test_the_figure_of_the_tail_names_the_share_of_its_head():
    item = np.repeat(np.arange(10), [50, 20, 10, 5, 5, 2, 2, 2, 2, 2])
    (axes,) = dataset.long_tail(item).axes
    assert [text.get_text().strip() for text in axes.texts] == [
        "top 10%: 50% of ratings",
        "top 20%: 70% of ratings",
    ]
    assert {axes.get_xscale(), axes.get_yscale()} == {"log"}


@pytest.mark.parametrize(
    ("days", "unit", "first", "n"),
    [
        ([0, 119], "day", ("1970-01-05", 1), 120),
        ([2, 6, 7, 130], "week", ("1970-01-05", 2), 19),
        ([0, 20, 30, 2000], "month", ("1970-01-01", 2), 66),
        ([0, 20_000], "year", ("1970-01-01", 1), 55),
    ],
)
def test_the_unit_of_time_follows_the_span_and_empty_ones_are_rows(days, unit, first, n):
    header, rows = dataset.time_rows(MONDAY + DAY * np.array(days))
    assert header == ("start", "ratings", "unit")
    assert (rows[0], len(rows)) == ((*first, unit), n)
    assert sum(count for _, count, _ in rows) == len(days)


@pytest.mark.parametrize(
    ("days", "end"), [(119, "1970-05-05"), (130, "1970-05-18"), (2000, "1975-07-01"), (20_000, "2025-01-01")]
)
def test_the_last_bar_ends_with_its_day_week_month_or_year(days, end):
    (axes,) = dataset.ratings_over_time(MONDAY + DAY * np.array([0, days])).axes
    assert str(np.datetime64(int(axes.patches[0].get_data().edges[-1]), "D")) == end


def test_no_span_makes_a_long_table():
    for days in (120, 121, 1461, 1462, 14_610, 14_611, 120_000):
        assert 1 < len(dataset.time_rows(DAY * np.array([1, days]))[1]) <= 500


def test_ratings_without_a_time_are_not_counted_as_of_1970():
    assert dataset.time_rows(np.array([0, 886_000_000, 0]))[1] == [("1998-01-28", 1, "day")]
    assert dataset.time_rows(np.zeros(5, np.int64))[1] == []


def test_milliseconds_are_told_from_seconds():
    with pytest.raises(MarqueeError, match="give Unix seconds"):
        dataset.time_rows(np.array([886_000_000_000]))


def test_the_best_model_stands_on_top_and_the_oracle_is_a_line():
    (axes,) = FIGURES["leaderboard"]().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ease", "mf_bce", "popularity"]
    assert axes.yaxis.get_inverted()
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [float(dot.get_xdata()[0]) for dot in dots] == [0.4, 0.39, 0.25]
    (dashed,) = [line for line in axes.lines if line.get_color() == ORANGE]
    assert dashed.get_xdata()[0] == 0.5
    assert dashed.get_linestyle() != "-"


def test_filled_dots_are_level_with_the_best_and_hollow_ones_are_worse():
    (axes,) = FIGURES["leaderboard"]().axes
    faces = [to_hex(line.get_markerfacecolor()) for line in axes.lines if line.get_marker() == "o"]
    assert faces == [BLUE, BLUE, "#ffffff"]
    words = [text.get_text() for text in axes.texts]
    assert words == ["0.4000 best", "0.3900 ≈ best", "0.2500", "oracle 0.5000"]


def test_a_task_without_models_has_a_figure_that_says_so():
    (axes,) = leaderboard.leaderboard(BOARD, "rating", "rmse").axes
    assert [text.get_text() for text in axes.texts] == ["no rating models"]
    assert not axes.axison


def test_with_less_confidence_a_smaller_difference_is_significant():
    (axes,) = leaderboard.leaderboard(BOARD, "ranking", "ndcg@10", confidence=0.7).axes
    assert [text.get_text() for text in axes.texts][:2] == ["0.4000 best", "0.3900"]


def test_cells_say_their_percentage_and_little_is_not_nothing():
    (axes,) = leaderboard.recommended_tail({"mf": [0.996, 0.004, *[0.0] * 8]}, FRACTIONS, {"mf": 0.12}).axes
    words = [text.get_text() for text in axes.texts]
    assert words[:10] == ["40", "20", "10", "10", "10", "4", "3", "2", "1", "0"]
    assert words[10:] == ["100", "<1", *["0"] * 8, "12%"]


def test_a_dollar_in_a_name_is_no_formula():
    (axes,) = leaderboard.leaderboard([row("a$b$c", 0.4, True)], "ranking", "ndcg@10").axes
    assert axes.get_yticklabels()[0].get_parse_math() is False


@pytest.mark.parametrize(("task", "best"), [("ranking", (2, 0.3)), ("rating", (1, 0.1))])
def test_the_best_checkpoint_is_marked_on_every_line(task, best):
    curve = epochs([0.1, 0.3, 0.2, 0.3], train=[0.5, 0.4, 0.3, 0.2])
    row = learning_curve.best_epoch(curve, task)
    assert (row["epoch"], row["validation"]) == best
    loss, metric = learning_curve.learning_curve(curve, task).axes
    dots = [line for line in metric.lines if line.get_marker() == "o"]
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(best[0], row["train"]), best]
    assert str(best[0]) in metric.get_xlabel()
    assert [text.get_text() for text in metric.texts] == ["training", "validation"]
    assert loss.get_ylabel() == "Training loss"
    assert f"epoch {best[0]}, with validation" in learning_curve.describe_curve(curve, task)


def test_a_fit_without_validation_keeps_its_last_epoch():
    curve = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.9}]
    assert learning_curve.best_epoch(curve, "rating")["epoch"] == 2
    assert "no validation ratings" in learning_curve.describe_curve(curve, "rating")
    (axes,) = FIGURES["curve of a loss alone"]().axes
    assert axes.get_ylabel() == "Training loss"


CARD = {
    "histogram": {"rating": [1.0, 2.0], "count": [3, 9]},
    "scale": {"low": 1, "high": 5, "step": 1},
    "mean_rating": 1.75,
}


def test_captions_of_a_data_set_state_its_numbers():
    item = np.repeat(np.arange(10), [3, *[1] * 9])
    found = dataset.dataset_figures(CARD, item, np.full(12, 886_000_000))
    assert list(found) == list(dataset.dataset_tables(CARD, item, np.full(12, 886_000_000)))
    assert re.findall(r"[\d.]+\d%?", found["ratings"].caption) == ["75%", "1.75"]
    assert re.findall(r"\d+%", found["long_tail"].caption) == ["10%", "25%", "20%", "33%"]
    assert "1998-01-28 and has 12 ratings" in found["over_time"].caption
    assert "2 75%" in found["ratings"].alt
    untimed = dataset.dataset_figures(CARD, item, np.zeros(12, int))
    assert "no timestamps" in untimed["over_time"].caption


def test_counts_have_a_bar_for_each_power_of_two():
    powers = [2.0**k for k in range(-4, 19)]
    card = {**CARD, "feedback": "implicit", "histogram": {"rating": powers, "count": [*range(1, 24)]}}
    card["scale"] = {"low": 0.07, "high": 350_000, "step": 0.01}
    found = dataset.dataset_figures(card, np.arange(12), np.zeros(12, int))["ratings"]
    (axes,) = found.figure.axes
    assert [bar.get_x() for bar in axes.patches] == powers
    assert axes.get_xlabel() == "Count"
    assert "8% are from 262144 to below 524288" in found.caption
    assert "the largest 350,000." in found.caption


@pytest.mark.parametrize(
    ("low", "high", "label"), [(1, 5, "Rating (stars)"), (0.5, 5, "Rating (stars)"), (1, 10, "Rating")]
)
def test_only_a_scale_of_five_has_stars(low, high, label):
    card = {**CARD, "scale": {"low": low, "high": high, "step": 1}}
    (axes,) = dataset.dataset_figures(card, np.arange(12), np.zeros(12, int))["ratings"].figure.axes
    assert axes.get_xlabel() == label


TAILS = {
    "mf": {"recommended": FRACTIONS, "training": FRACTIONS},
    "ease": {"recommended": [1.0, *[0.0] * 9], "training": FRACTIONS},
}


def test_a_comparison_has_a_board_for_each_task_and_the_long_tail():
    rows = [*BOARD, {**row("mf", 0.12, metric="coverage@10"), "task": "ranking"}]
    headline = {"ranking": "ndcg@10", "rating": "rmse"}
    found = leaderboard.leaderboard_figures(rows, headline, 0.95, 10, TAILS)
    assert list(found) == ["ranking", "rating", "long_tail"]
    assert "ease 0.4000, mf_bce 0.3900" in found["ranking"].alt
    assert "oracle" in found["ranking"].caption
    assert "oracle" not in found["rating"].caption
    assert re.findall(r"\d+%", found["long_tail"].caption) == ["40%", "100%", "40%"]
    assert "12%" in [text.get_text() for text in found["long_tail"].figure.axes[0].texts]
    assert list(leaderboard.leaderboard_figures(rows, headline, 0.95, 10, {})) == ["ranking", "rating"]


def test_accuracy_stands_against_popularity_with_every_model_named():
    names = {"popularity": 0.99, "ease": 0.9, "mf_bce": 0.95, "oracle": 0.8}
    rows = [*BOARD, *(row(name, x, metric="popularity_percentile@10") for name, x in names.items())]
    found = leaderboard.leaderboard_figures(rows, {"ranking": "ndcg@10", "rating": "rmse"}, 0.95, 10, {})
    assert list(found) == ["ranking", "ranking_popularity", "rating"]
    one = found["ranking_popularity"]
    assert one.alt == "ease 0.90 0.4000, mf_bce 0.95 0.3900, popularity 0.99 0.2500, oracle 0.80 0.5000"
    (axes,) = one.figure.axes
    assert {text.get_text() for text in axes.texts} == set(names)
    dots = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == "o"]
    assert [0.9, 0.4] in dots
    assert [0.99, 0.25] in dots


def test_figures_are_saved_twice_with_their_captions(tmp_path):
    found = {"ratings": captioned.Captioned(FIGURES["histogram"](), "Ratings.", "Bars")}
    for name in ("one", "two"):
        captioned.save_figures(tmp_path / name, found)
    one, two = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert set(one) == {"ratings.png", "ratings.svg", "captions.json"}
    assert one == two, "the SVG takes nothing away from the figure"
    saved = {"caption": "Ratings.", "alt": "Bars", "sha256": sha256(tmp_path / "one/ratings.svg")}
    assert read_json(tmp_path / "one/captions.json") == {"ratings": saved}
