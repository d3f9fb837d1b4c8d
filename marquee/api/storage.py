"""A fitted model in a folder: the pipeline's files of a model, and beside them the data it answers from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from marquee import recommenders
from marquee.api.dataset import Dataset
from marquee.data.identity import require_same
from marquee.data.ratings import Ratings
from marquee.errors import MarqueeError
from marquee.io import atomic_folder, read_json, read_parquet, write_json, write_parquet
from marquee.movielens import schema
from marquee.movielens.fingerprint import fingerprint

if TYPE_CHECKING:
    from marquee.api.models import Model

TABLES = ("ratings", "movies", "users")


def save(model: Model, folder: Path) -> None:
    """Write the model, its data set and its training rows; an old folder is replaced when all is written."""
    model.require_fit()
    data = model.dataset
    about = {
        "name": data.name,
        "implicit": data.implicit,
        "positive_threshold": model.positive_threshold,
        "seed": model.seed,
        "card": data.card,
    }
    if folder.exists() and not (folder / "model.json").is_file():
        raise MarqueeError(f"{folder} exists and holds no model: name a new folder")
    with atomic_folder(folder) as partial:
        recommenders.store(model.recommender, partial, {"data": _identity(data.name, data.tables)})
        for name in TABLES:
            write_parquet(partial / f"{name}.parquet", getattr(data.tables, name))
        for name, rows in (("train", model.trained_on), ("fold_in", model.folded_in)):
            write_parquet(partial / f"{name}.parquet", rows.to_table())
        write_json(partial / "dataset.json", about)


def load_model(folder: str | Path) -> Model:
    """Return the model that `Model.save` wrote. Raises MarqueeError where there is none."""
    from marquee.api.models import CLASSES

    folder = Path(folder)
    if not (folder / "dataset.json").is_file():
        raise MarqueeError(f"{folder} holds no model that Model.save wrote: name such a folder")
    about, stored = read_json(folder / "dataset.json"), read_json(folder / "model.json")
    found = CLASSES[stored["algorithm"]](task=stored["task"], seed=about["seed"], **stored["options"])
    found.recommender, found.task = recommenders.load(folder), stored["task"]
    tables = {name: read_parquet(folder / f"{name}.parquet") for name in TABLES}
    again = "fit the model and save it again"
    identity = _identity(about["name"], schema.Dataset(**tables, card={}))
    require_same(
        found.recommender.fitted.get("data"), identity, f"the model in {folder}", "the folder", again
    )
    found.dataset = Dataset(about["name"], schema.Dataset(**tables, card=about["card"]), about["implicit"])
    found.positive_threshold = about["positive_threshold"]
    found.trained_on, found.folded_in = (
        Ratings.from_table(read_parquet(folder / f"{name}.parquet")) for name in ("train", "fold_in")
    )
    found._curve = []
    return found


def _identity(name: str, tables: schema.Dataset) -> dict[str, str]:
    return {"name": name, "fingerprint": fingerprint(tables.movies, tables.users)}
