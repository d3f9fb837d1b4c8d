"""`marquee update <model>`: learn ratings that came since the fit, without another fit."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from marquee.cli import online_models, project
from marquee.errors import MarqueeError
from marquee.outputs import stage_of
from marquee.serving.online import load_updates, read_given
from marquee.terminal import say

EXAMPLES = """examples:
  marquee update ease --ratings yesterday.csv
  marquee recommend ease --model-dir models/ease.updated --user 42

The file has a row for each rating; its columns are called as under ingest.columns of params.yaml. A second
file is learned on top of the first one, until the model is trained again.
"""


def configure(parser: ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("model", help="a name under models: in params.yaml")
    parser.add_argument("--ratings", metavar="FILE", type=Path, required=True, help=".csv or .parquet")
    parser.add_argument("--output", metavar="DIR", type=Path, help="default: models/MODEL.updated")
    parser.add_argument("--fresh", action="store_true", help="forget what --output has learned before")


def run(args: Namespace) -> None:
    folder = args.output or online_models.default_folder(args.model)
    if stage := stage_of(folder):
        raise MarqueeError(f"{folder} is written by the stage {stage}: name another folder with --output")
    if folder.exists() and not (folder / "model.json").is_file():
        raise MarqueeError(f"{folder} exists and holds no model: name a new folder with --output")
    params = project.params()
    params.model(args.model)
    online_models.require_memory(args.model)
    fit = online_models.fitted_model(args.model)
    model = fit
    if folder.exists() and not args.fresh:
        model = load_updates(folder, fit)
        before = sum(update["learned"] for update in model.updates)
        say(f"{folder} goes on from the {before:,} ratings that it learned before")
    scale, _ = project.scale()
    given = read_given(args.ratings, params.ingest.columns, scale, params.ingest.max_bad_rows)
    after = model.learn(given)
    after.store(folder, len(fit.user_ids))
    about = after.updates[-1]
    if left := about["of_unknown_movies"]:
        say(f"{args.ratings}: {left:,} of {len(given.users):,} ratings are of unknown movies, left out")
    print(
        f"{folder}: {about['learned']:,} ratings learned, {about['withdrawn']:,} replaced or withdrawn, of "
        f"{about['users']:,} users ({about['new_users']:,} new) and {about['movies']:,} movies"
    )
