"""The leaderboard as it is printed."""

from __future__ import annotations

from marquee.leaderboard.table import HEADER, CompareOptions, Row
from marquee.leaderboard.text import beyond_text, groups_text, text


def row(task: str, model: str, metric: str, value: float, p: float | None = None, best: int = 0) -> Row:
    """By hand, with an interval of 0.01 to both sides."""
    row = dict.fromkeys(HEADER) | {"task": task, "model": model, "metric": metric, "value": value}
    return row | {"low": value - 0.01, "high": value + 0.01, "best": best, "p_holm": p}


BOARD = [
    row("ranking", "oracle", "ndcg@10", 0.2),
    row("ranking", "popularity", "ndcg@10", 0.05, p=0.049),
    row("ranking", "mf_bce", "ndcg@10", 0.12, p=0.05),
    row("ranking", "ease", "ndcg@10", 0.13, best=1),
    row("ranking", "ease", "hit@10", 0.25),
    row("ranking", "ease", "recall@10", 0.25),
    row("ranking", "ease", "sampled_hit@10", 0.625),
    row("ranking", "ease", "sampled_ndcg@10", 0.375),
    row("ranking", "ease", "coverage@10", 0.3125),
    row("rating", "bias", "rmse", 0.9412, best=1),
    row("rating", "mean", "rmse", 1.0412, p=0.01),
    row("rating", "bias", "mse", 0.8859),
    row("rating", "bias", "mae", 0.7456),
]


def test_the_printed_table_is_aligned_and_the_best_is_first():
    tables, _, legend = text(BOARD, CompareOptions()).rpartition("\n\n")
    assert tables == (
        """\
Ranking, best ndcg@10 first

                                                             sampled  sampled                     %
   model       ndcg@10      95% interval  hit@10  recall@10   hit@10  ndcg@10  coverage@10  of best
*  ease         0.1300  [0.1200, 0.1400]  0.2500     0.2500   0.6250   0.3750       0.3125    65.0%
~  mf_bce       0.1200  [0.1100, 0.1300]       -          -        -        -            -    60.0%
   popularity   0.0500  [0.0400, 0.0600]       -          -        -        -            -    25.0%
   oracle       0.2000  [0.1900, 0.2100]       -          -        -        -            -   100.0%

Rating, best rmse first

   model    rmse      95% interval     mse     mae  ndcg@10  hit@10
*  bias   0.9412  [0.9312, 0.9512]  0.8859  0.7456        -       -
   mean   1.0412  [1.0312, 1.0512]       -       -        -       -"""
    )
    assert len(legend.splitlines()) == 2


def test_an_error_reaches_the_share_that_the_oracles_is_of_it():
    table = text([*BOARD, row("rating", "oracle", "rmse", 0.9)], CompareOptions())
    assert "*  bias    0.9412  [0.9312, 0.9512]  0.8859  0.7456        -       -    95.6%" in table


def test_without_an_oracle_the_legend_does_not_speak_of_it():
    table = text([row for row in BOARD if row["model"] != "oracle"], CompareOptions())
    assert "oracle" not in table
    assert "of best" not in table
    assert len(table.rpartition("\n\n")[2].splitlines()) == 1


def test_no_line_of_the_table_is_wider_than_a_terminal():
    assert max(map(len, text(BOARD, CompareOptions()).splitlines())) <= 100


def test_what_accuracy_does_not_say_stands_beside_what_a_fit_costs():
    rows = [
        row("ranking", "popularity", "ndcg@10", 0.05),
        row("ranking", "ease", "ndcg@10", 0.13),
        row("ranking", "ease", "popularity_percentile@10", 0.98),
        row("ranking", "ease", "genre_miscalibration@10", 1.25),
        row("ranking", "ease", "coverage@10", 0.3),
        {**row("ranking", "popularity", "coverage@10", 0.1), "low": None},
        *(
            row("ranking", "ease", cost, value)
            for cost, value in (("fit_seconds", 0.705), ("peak_MiB", 1278))
        ),
    ]
    assert beyond_text(rows, CompareOptions()) == (
        """\
Ranking, best ndcg@10 first

                                popularity              genre                      fit   peak
model              ndcg@10   percentile@10  miscalibration@10     coverage@10  seconds    MiB
ease        0.1300 ±0.0100  0.9800 ±0.0100     1.2500 ±0.0100  0.3000 ±0.0100    0.705  1,278
popularity  0.0500 ±0.0100               -                  -          0.1000        -      -

± half of the 95% interval
"""
    )


def test_groups_are_columns_with_the_best_of_each_marked():
    rows = [
        {"group": group, "level": level, "users": n, **row("ranking", model, "ndcg@10", value, p, best)}
        for group, level, n, model, value, p, best in (
            ("activity", "1 to 9", 1200, "ease", 0.1, None, 1),
            ("activity", "1 to 9", 1200, "ials", 0.09, 0.2, 0),
            ("activity", "10 to 80", 1100, "ease", 0.2, 0.01, 0),
            ("activity", "10 to 80", 1100, "ials", 0.3, None, 1),
            ("gender", "F", 800, "ease", 0.15, None, 1),
        )
    ]
    tables = groups_text(rows, CompareOptions()).split("\n\n")
    assert tables[:4] == [
        "Ranking, ndcg@10 by activity",
        """\
        1 to 9  10 to 80
users    1,200     1,100
ease   *0.1000    0.2000
       ±0.0100   ±0.0100
ials   ~0.0900   *0.3000
       ±0.0100   ±0.0100""",
        "Ranking, ndcg@10 by gender",
        """\
             F
users      800
ease   *0.1500
       ±0.0100""",
    ]
