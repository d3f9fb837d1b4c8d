"""Foreign lists: metrics by our definitions and by each library's, and one line for each way to be wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee.cli.main import main
from marquee.errors import MarqueeError
from marquee.io import read_sealed, write_sealed
from marquee.referee import judge, tables
from marquee.referee import lists as foreign
from marquee.referee.variants import VARIANTS
from tests.referee.sample import K, full_lists_only, rows, write

FROZEN = json.loads((Path(__file__).parent / "library_metrics.json").read_text())


def verdict(paths: dict[str, Path], k: int = K, variant: str | None = None) -> judge.Verdict:
    train, test, lists = (tables.read(paths[name], ("user", "item"), ("rank", "score")) for name in paths)
    split = foreign.holdout(train, test)
    found = foreign.lists(split, lists, k, paths["lists"])
    return judge.judge_lists(split, found, "theirs", k, variant)


@pytest.mark.parametrize("library", VARIANTS)
def test_each_variant_prints_what_its_library_prints(library, tmp_path):
    sample = full_lists_only(rows()) if library == "torchmetrics" else rows()
    figures = verdict(write(tmp_path, sample), variant=library).theirs
    assert figures == pytest.approx(FROZEN[library], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("library", VARIANTS)
def test_the_frozen_figures_are_what_an_installed_library_prints(library):
    """MARQUEE_LIBRARIES names the interpreter of an environment that has some of the libraries."""
    python = os.environ.get("MARQUEE_LIBRARIES", sys.executable)
    known = subprocess.run([python, "-c", f"import {library}"], capture_output=True)
    if known.returncode:
        pytest.skip(f"{library} is not installed")
    script = Path(__file__).with_name("library_metrics.py")
    done = subprocess.run([python, script, library], capture_output=True, text=True)
    printed = json.loads(done.stdout.splitlines()[-1])
    assert printed[library] == pytest.approx(FROZEN[library], abs=1e-6), done.stderr


def test_our_figures_are_those_of_the_definitions(tmp_path):
    sample = rows()
    found = verdict(write(tmp_path, sample))
    wanted = {user: {item for u, item in sample["test"] if u == user} for user, _ in sample["test"]}
    ndcg = []
    for user, items in wanted.items():
        ranks = [rank for u, item, rank, _ in sample["lists"] if u == user and rank <= K and item in items]
        ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(K, len(items)) + 1))
        ndcg.append(sum(1 / np.log2(rank + 1) for rank in ranks) / ideal)
    assert found.result.metrics["ndcg@10"] == pytest.approx(np.mean(ndcg), abs=1e-12)
    assert len(found.notes) == 2  # a missing list, short ones


def test_scores_in_any_order_and_parquet_give_the_same_lists(tmp_path):
    sample = rows()
    paths = write(tmp_path, sample)
    shuffled = np.random.default_rng(0).permutation(len(sample["lists"]))
    columns = list(zip(*(sample["lists"][row] for row in shuffled), strict=True))
    table = pa.table({"userId": columns[0], "movieId": columns[1], "prediction": columns[3]})
    pq.write_table(table, tmp_path / "lists.parquet")
    again = verdict({**paths, "lists": tmp_path / "lists.parquet"})
    assert again.result.metrics == verdict(paths).result.metrics


def test_ids_are_compared_as_they_are_written(tmp_path):
    sample = {"train": [("007", "a")], "test": [("7", "b"), ("007", "b")], "lists": [("7", "b", 1, 1.0)]}
    found = verdict(write(tmp_path, sample))
    assert found.result.metrics["hit@10"] == 0.5


def test_candidates_prefix_the_metrics(tmp_path):
    paths = write(tmp_path, rows())
    train, test, lists = (tables.read(paths[name], ("user", "item"), ("rank",)) for name in paths)
    split = foreign.holdout(train, test, candidates=lists)
    found = judge.judge_lists(split, foreign.lists(split, lists, K, paths["lists"]), "theirs", K)
    assert "sampled_ndcg@10" in found.result.metrics
    assert "ndcg@10" not in found.result.metrics


def test_lists_among_candidates_are_printed_by_their_sampled_metrics(tmp_path, capsys):
    sample = rows()
    paths = write(tmp_path, sample)
    listed = "".join(f"{user},{item}\n" for user, item, *_ in sample["lists"])
    (tmp_path / "candidates.csv").write_text(f"user,item\n{listed}")
    split = ["--train", paths["train"], "--test", paths["test"], "--candidates", tmp_path / "candidates.csv"]
    assert main([str(word) for word in ("judge", paths["lists"], *split, "--resamples", "100")]) == 0
    assert "Ranking, best sampled_ndcg@10 first" in capsys.readouterr().out


def test_a_metric_that_one_file_lacks_is_a_dash(tmp_path, capsys):
    paths = write(tmp_path, rows())
    sample = rows()
    sample["lists"] = [(user, item + 500 * (rank == 1), rank, x) for user, item, rank, x in sample["lists"]]
    (tmp_path / "other").mkdir()
    unknown = write(tmp_path / "other", sample)
    files = [paths["lists"], unknown["lists"], "--train", paths["train"], "--test", paths["test"]]
    assert main([str(word) for word in ("judge", *files, "-k", "1", "--resamples", "0")]) == 0
    assert "-" in capsys.readouterr().out.splitlines()[-1].split()


def changed(change) -> dict[str, list[tuple]]:
    sample = rows()
    change(sample)
    return sample


def length(sample) -> int:
    """How long the first user's list is."""
    return sum(row[0] == sample["train"][0][0] for row in sample["lists"])


def set_row(row: int, **values):
    def change(sample):
        names = ("user", "item", "rank", "score")
        sample["lists"][row] = tuple(
            values.get(n, v) for n, v in zip(names, sample["lists"][row], strict=True)
        )

    return change


BROKEN = {
    "listed twice": lambda s: s["lists"].insert(1, (*s["lists"][0][:2], 13, 0.01)),
    "ranks with a gap": set_row(0, rank=99),
    "one rank twice": set_row(1, rank=3),
    "ranks from 5": lambda s: s.update(lists=[(u, i, r + 4, x) for u, i, r, x in s["lists"]]),
    "a seen item": lambda s: s["lists"].append((*s["train"][0], 1 + length(s), 0.0)),
    "no user of the test": lambda s: s.update(lists=[(u + 1000, *rest) for u, *rest in s["lists"]]),
    "no item of the split": lambda s: s.update(lists=[(u, i + 1000, *rest) for u, i, *rest in s["lists"]]),
    "a score that is no number": set_row(3, score="high"),
    "NaN as a score": set_row(3, score="nan"),
    "an empty id": set_row(3, item=""),
    "no rows": lambda s: s.update(lists=[]),
    "a test that was trained on": lambda s: s["train"].append(s["test"][0]),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_lists_end_with_one_line(fault, tmp_path, capsys):
    paths = write(tmp_path, changed(BROKEN[fault]))
    words = ["judge", paths["lists"], "--train", paths["train"], "--test", paths["test"], "--resamples", "0"]
    assert main([str(word) for word in words]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert len(err.strip().splitlines()) == 1
    assert ".csv" in err or "train" in err


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (lambda s: s["lists"].append((999, 1, 1, 1.0)), 3),  # a user without test items
        (set_row(0, item=5000), 3),  # an item that nobody knows
        (set_row(0, score=-1.0), 3),  # rank and score disagree
    ],
)
def test_what_does_not_stop_a_judgement_is_counted(change, number, tmp_path):
    assert len(verdict(write(tmp_path, changed(change))).notes) == number


def test_ties_are_counted_and_broken_by_id(tmp_path):
    sample = {"train": [(1, 9)], "test": [(1, 3)], "lists": [(1, item, 0, 0.5) for item in (4, 3, 2)]}
    paths = write(tmp_path, sample)
    train, test = (tables.read(paths[name], ("user", "item")) for name in ("train", "test"))
    lists = tables.read(paths["lists"], ("user", "item"), ("score",))
    split = foreign.holdout(train, test)
    found = foreign.lists(split, lists, 2, paths["lists"])
    assert split.item_ids.to_pylist() == [3, 9]
    assert found.items.tolist() == [[-1, -1]]  # 4 and 2 are unknown: -1 sorts before 3
    assert any("equal scores" in note for note in found.notes)


def read_rows(path: Path, lines: list[str]) -> tables.Table:
    path.write_text("\n".join(lines))
    return tables.read(path, ("user", "item"), ("rating", "score"))


def test_predicted_ratings_are_clipped_and_missing_ones_counted(tmp_path):
    head = "user,item,rating"
    train = read_rows(tmp_path / "train.csv", [head, "1,1,1", "2,1,5"])
    test = read_rows(tmp_path / "test.csv", [head, "1,2,5", "2,2,3"])
    path = tmp_path / "theirs.csv"
    path.write_text("user,item,prediction\n1,2,7.5\n1,9,3\n")
    found = judge.judge_predictions(
        train, test, tables.read(path, ("user", "item"), ("score",)), "theirs", path
    )
    assert found.result.metrics["rmse"] == pytest.approx(0.0)  # 7.5 counts as 5, the missing one as 3
    assert len(found.notes) == 3
    with pytest.raises(MarqueeError):
        judge.judge_predictions({"user": train["user"]}, test, train, "theirs", path)


def test_users_stand_in_one_order_whatever_the_ids_of_a_file_are(tmp_path):
    """As text 10 sorts before 9: the errors of two files would be compared between other users."""
    users = range(1, 12)
    train = read_rows(tmp_path / "train.csv", ["user,item,rating", "1,1,1", "1,2,5"])
    test = read_rows(tmp_path / "test.csv", ["user,item,rating", *(f"{u},3,{1 + u % 5}" for u in users)])
    lines = ["user,item,prediction", *(f"{user},3,{1 + user / 3}" for user in users)]
    numbers, text = (read_rows(tmp_path / "a.csv", [*lines, *more]) for more in ([], ["1,x,3"]))
    one, other = (judge.judge_predictions(train, test, table, "", tmp_path) for table in (numbers, text))
    for name, values in one.result.per_user.items():
        assert np.array_equal(values, other.result.per_user[name])
    assert len(other.notes) == 1  # x is not in the test


def test_a_test_pair_that_stands_twice_leaves_no_prediction_over(tmp_path):
    lines = ["user,item,rating", "1,2,5", "1,2,3"]
    test, train = (read_rows(tmp_path / "ratings.csv", [lines[0], *rows]) for rows in (lines[1:], ["1,3,4"]))
    predicted = read_rows(tmp_path / "a.csv", ["user,item,prediction", "1,2,4"])
    assert judge.judge_predictions(train, test, predicted, "", tmp_path).notes == []
    with pytest.raises(MarqueeError, match="2 pairs"):  # what was trained on is no test
        judge.judge_predictions(test, test, predicted, "", tmp_path)


def test_a_threshold_needs_ratings_and_a_test_needs_rows():
    def table(*items):
        ids = {"user": pa.chunked_array([[1] * len(items)], pa.int64())}
        return ids | {"item": pa.chunked_array([items], pa.int64())}

    with pytest.raises(MarqueeError, match="rating"):
        foreign.holdout(table(1), table(2), threshold=0.5)
    with pytest.raises(MarqueeError, match="no rows"):
        foreign.holdout(table(1), table())


def test_a_model_of_the_project_beside_a_file_gets_the_pipelines_own_figures(finished, tmp_path):
    done = finished.call("python", "-m", "marquee", "judge", "ease", "--task", "ranking", "--json")
    assert done.returncode == 0, done.stderr
    judged = {row["metric"]: row["value"] for row in json.loads(done.stdout)}
    own = json.loads((finished / "data/evaluation/ease/metrics.json").read_text())["metrics"]
    for name in ("ndcg@10", "hit@10", "recall@10", "map@10"):  # its coverage is of rated movies
        assert judged[name] == pytest.approx(own[name], abs=1e-6)
    outside = finished.call("python", "-m", "marquee", "judge", "x/../ease", "--task", "ranking")
    assert "x/../ease is neither a file nor an evaluated model" in outside.stderr


def test_an_evaluation_of_other_data_is_refused(finished):
    path = finished / "data/evaluation/ease/metrics.json"
    kept, about = path.read_bytes(), read_sealed(path)
    write_sealed(path, about | {"data": {"name": "ml-1m", "fingerprint": "0" * 64}})
    try:
        done = finished.call("python", "-m", "marquee", "judge", "ease", "--task", "ranking", "--json")
    finally:
        path.write_bytes(kept)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ml-1m (00000000)" in done.stderr
    assert "dvc repro evaluate@ease" in done.stderr
