"""Stage `evaluate`: exact metrics, per-user values, top-K lists and predictions on the test set.

One stage for all models: to start a process and to import takes longer than to measure a model. Those that
stand as they were measured are left alone; `python -m stages.evaluate NAME ...` measures these in any case.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from marquee import config
from marquee.data.ratings import Catalogue, Ratings, concat
from marquee.data.sampling import Candidates
from marquee.evaluation.evaluate import Evaluation, evaluate_ranking, evaluate_rating
from marquee.io import as_table, atomic_folder, read_json, read_parquet, write_json, write_parquet
from marquee.recommenders import load
from marquee.stamps import Stamps, digest
from stages._inputs import catalogue, code_of, positive_threshold, ratings
from stages._runner import phase, run

MODELS, EVALUATIONS, METRICS = Path("models"), Path("data/evaluation"), Path("metrics/models")
STAMPS = EVALUATIONS / "stamps.json"


def main(params: config.Params, *names: str) -> None:
    entries = {name: params.model(name) for name in names or params.models}
    shared = [Path(f"data/{name}") for name in ("users.parquet", "movies.parquet", "dataset.json")]
    asked = [asdict(params.evaluate), positive_threshold(params)]
    stamps, measured = Stamps(STAMPS), []
    for task in config.TASKS:
        data = (Path(f"data/{task}"), Path(f"data/candidates/{task}.parquet"))
        common = digest([*code_of("evaluate"), *shared, *data], asked)
        files = {
            name: (MODELS / name, EVALUATIONS / name, METRICS / f"{name}.json")
            for name, entry in entries.items()
            if entry.task == task
        }
        changed = [name for name in files if names or not stamps.stands(name, common, *files[name])]
        if changed:
            held_out = TestSet.of(task, params)
            for name in changed:
                _evaluate(name, held_out)
                stamps.add(name, common, *files[name])
            measured += changed
    if not names:
        for path in (*EVALUATIONS.glob("*/"), *METRICS.iterdir()):
            if path.stem not in params.models:
                rmtree(path) if path.is_dir() else path.unlink()
        stamps.keep(params.models)
    print(f"measured {', '.join(measured) or 'nothing'}; what else there is stands as it was measured")


def _evaluate(name: str, held_out: TestSet) -> None:
    described = read_json(MODELS / name / "model.json")
    model = load(MODELS / name)
    with phase("scoring", name):
        result = held_out.measure(model)
    about = {"model": name, "task": described["task"], "algorithm": described["algorithm"]}
    with atomic_folder(EVALUATIONS / name) as room:
        write_parquet(room / "per_user.parquet", as_table(result.per_user))
        write_parquet(room / "lists.parquet", result.lists_table())
        if result.pairs:
            write_parquet(room / "predictions.parquet", as_table(result.pairs))
    counts = result.counts | model.report_counts()
    write_json(METRICS / f"{name}.json", {**about, "metrics": result.metrics, "counts": counts})


@dataclass(frozen=True)
class TestSet:
    """The test set of a task and what its models may know, read once for all of them."""

    task: str
    train: Ratings  # with the rows that a model folds in
    fold_in: Ratings
    seen: Ratings
    test: Ratings
    candidates: Candidates
    catalogue: Catalogue
    scale: dict[str, float]
    positive_threshold: float
    ks: tuple[int, ...]

    @classmethod
    def of(cls, task: str, params: config.Params) -> TestSet:
        train, validation, fold_in, test = (
            ratings(Path(f"data/{task}/{part}.parquet")) for part in ("train", "val", "fold_in", "test")
        )
        known = concat(train, fold_in) if len(fold_in) else train
        return cls(
            task,
            known,
            fold_in,
            concat(known, validation),
            test,
            Candidates.from_table(read_parquet(Path(f"data/candidates/{task}.parquet"))),
            catalogue(),
            read_json(Path("data/dataset.json"))["scale"],
            positive_threshold(params),
            params.evaluate.ks,
        )

    def measure(self, model: Any) -> Evaluation:
        """Fold in users who are held out whole."""
        if len(self.fold_in):
            model = model.fold_in(self.fold_in)
        if self.task == "ranking":
            return evaluate_ranking(
                model, self.seen, self.test, self.candidates, self.catalogue, self.ks, self.train
            )
        return evaluate_rating(
            model,
            self.train,
            self.test,
            self.scale["low"],
            self.scale["high"],
            self.seen,
            self.positive_threshold,
            self.candidates,
            self.catalogue,
            self.ks,
        )


if __name__ == "__main__":
    run(main)
