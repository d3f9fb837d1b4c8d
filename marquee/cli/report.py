"""`marquee report --against REV`: the report with the results of another commit or experiment beside it."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from marquee.cli import project, revisions
from marquee.config import Params
from marquee.errors import MarqueeError
from marquee.evaluation import test_set
from marquee.evaluation.test_set import ModelResult
from marquee.io import write_text
from marquee.leaderboard.against import against
from marquee.report import Against, ReportContent, render

DATA, PARAMS, SUMMARY = Path("data"), Path("params.yaml"), "metrics/summary.json"


def configure(parser: ArgumentParser) -> None:
    parser.epilog = "example: marquee report --against main --out report-main.html"
    parser.add_argument("--against", metavar="REV", required=True, help="a commit, branch, tag or experiment")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: report-against-REV.html")


def run(args: Namespace) -> None:
    params, content = project.params(), ReportContent.read(DATA, PARAMS)
    revision = project.call(
        "git", "rev-parse", "--verify", "--end-of-options", f"{args.against}^{{commit}}"
    ).strip()
    there = _summary(revision, args.against)

    def results(model: str) -> tuple[ModelResult | None, ModelResult | None]:
        return test_set.load(DATA / "evaluation" / model), revisions.evaluation(revision, None, model)

    rows = against(content.rows, content.headline, there, results, params.compare, params.seed)
    if remark := _remark(revision, params, content.headline):
        rows = [{**row, "difference": None} for row in rows]
    name = args.against if revision.startswith(args.against) else f"{args.against} ({revision[:7]})"
    out = args.out or Path(f"report-against-{re.sub(r'[^A-Za-z0-9_.-]', '-', args.against)}.html")
    write_text(out, render(replace(content, against=Against(name, remark, rows))))
    print(out.resolve())


def _summary(revision: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the other run's values. Raises MarqueeError where there are none, or none that read."""
    try:
        found = json.loads(revisions.file_at(revision, SUMMARY) or "{}")
    except ValueError:
        raise MarqueeError(f"{SUMMARY} of {name} is damaged: choose another commit") from None
    models = {model: entry for model, entry in found.items() if isinstance(entry, dict)}
    if not models:
        raise MarqueeError(f"{name} has no {SUMMARY}: choose a commit in which the pipeline has run")
    return models


def _remark(revision: str, params: Params, tasks: Iterable[str]) -> str:
    """Say why the values of two runs do not compare; nothing where they do."""
    name = _dataset(revisions.file_at(revision, "params.yaml"))
    if name != params.dataset.name:
        return f"It was run on {name}, and this run on {params.dataset.name}: their values do not compare."
    here, there = revisions.outputs(None), revisions.outputs(revision)
    for task in tasks:
        test = f"data/{task}/test.parquet"
        if here.get(test) != there.get(test):
            return f"Its test set of the {task} task is another one or unknown: values do not compare."
    return ""


def _dataset(params: bytes) -> str:
    """Return the name of the data set of a params.yaml, whatever else is in it."""
    import yaml

    try:
        return str(yaml.safe_load(params)["dataset"]["name"])
    except (yaml.YAMLError, TypeError, KeyError):
        return "unknown data"
