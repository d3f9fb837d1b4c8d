"""The curves and the sums of `marquee online`, from bench/results/online_*.csv, as parts of pages."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.output import markdown, read

HEAD = ("model", "learns", "metric", "value", "95 % interval", "difference from never", "seconds")
SECTION = """\
## A stream of ratings

`marquee online {models} --start 0.95` predicts the last {ratings:,} ratings of ML-1M in the order of time,
from {first} to {last}, in {batches} batches. Each batch is predicted, scored and then learned. *never* keeps
the first fit, *fold_in* gives a user the vector of all ratings before the batch, *update* is `marquee update`
after each batch, and *refit* another fit. The bars of the curves and the intervals of the table are 95 % over
users. [Learning between two fits](lab/online.md) has the details.

![NDCG@10 and RMSE by batch, with intervals](images/online.png)

{sums}"""


def sums() -> str:
    """Return the table of the whole stream; intervals are over users."""
    rows = [
        [
            *(row["model"], row["policy"], row["metric"].upper()),
            f"{float(row['value']):.4f}",
            f"{float(row['low']):.4f} to {float(row['high']):.4f}",
            "{from_never:+.4f} ({from_low:+.4f} to {from_high:+.4f})".format(
                **{key: float(row[key]) for key in ("from_never", "from_low", "from_high")}
            ),
            f"{float(row['seconds']):.1f}",
        ]
        for row in read("online_summary")
    ]
    return markdown(HEAD, rows)


def section() -> str:
    """Return the section of docs/results.md."""
    curve = read("online_curve")
    first = curve[0]
    batches = [row for row in curve if (row["model"], row["policy"]) == (first["model"], first["policy"])]
    times = (datetime.fromtimestamp(int(one), UTC) for one in (batches[0]["from"], batches[-1]["until"]))
    since, until = (f"{time:%B} {time.year}" for time in times)
    return SECTION.format(
        models=" ".join(dict.fromkeys(row["model"] for row in curve)),
        ratings=sum(int(row["ratings"]) for row in batches),
        first=since,
        last=until,
        batches=len(batches),
        sums=sums(),
    )
