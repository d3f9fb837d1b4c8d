"""`marquee report --against` and `marquee vectors` in the small project."""

from __future__ import annotations

import re

import pyarrow.parquet as pq

from tests.cli.conftest import asked, refused


def test_two_runs_are_side_by_side_and_equal_ones_do_not_differ(project):
    for command in (["git", "add", "-A"], ["git", "commit", "-q", "-m", "Results"], ["git", "tag", "v1.0/a"]):
        assert project.call(*command).returncode == 0
    before = project.fingerprint()
    out = asked(project, "report", "--against", "v1.0/a").strip()
    assert out == str((project / "report-against-v1.0-a.html").resolve())
    page = (project / "report-against-v1.0-a.html").read_text("utf-8")
    (part,) = re.findall(r'<section aria-labelledby="against">.*?</section>', page, re.DOTALL)
    assert re.search(r"This run beside v1.0/a \([0-9a-f]{7}\)", part)
    rows = dict(re.findall(r'<tr data-model="(\w+)">(.*?)</tr>', part, re.DOTALL))
    assert set(rows) == {"popularity", "bias", "ease", "mf_bce"}
    for row in rows.values():
        here, there, *rest = re.findall("<td>(.*?)</td>", row)
        assert here == there
        assert rest == ["+0.0000", "[0.0000, 0.0000]", "1.000"]
    assert project.fingerprint() == before, "plots/report.html is the pipeline's"


def test_a_run_on_another_test_set_does_not_compare(project):
    project.call("git", "add", "-A")
    project.call("git", "commit", "-q", "-m", "Results")
    lock = (project / "dvc.lock").read_text()
    outs = lock[lock.index("split@ranking") :]
    md5 = re.search(r"test.parquet\n\s+hash: md5\n\s+md5: (\w+)", outs)[1]
    (project / "dvc.lock").write_text(lock.replace(md5, "0" * 32))
    asked(project, "report", "--against", "HEAD", "--out", "two.html")
    page = (project / "two.html").read_text("utf-8")
    (part,) = re.findall(r'<section aria-labelledby="against">.*?</section>', page, re.DOTALL)
    assert "test set of the ranking task is another one" in part
    assert "+0.0000" not in part


def test_a_revision_without_results_or_an_unknown_one_is_refused(finished):
    assert "HEAD has no metrics/summary.json: choose a commit" in refused(
        finished, "report", "--against", "HEAD"
    )
    assert "failed" in refused(finished, "report", "--against", "nowhere")
    assert "failed" in refused(finished, "report", "--against=--help")
    assert "--against" in refused(finished, "report", code=2)


def test_vectors_of_movies_and_users_are_written(finished, tmp_path):
    folder = tmp_path / "vectors"
    said = asked(finished, "vectors", "mf_bce", "--out", str(folder))
    assert len(said.splitlines()) == 2
    assert len(list(folder.iterdir())) == 6
    movies = pq.read_table(folder / "movies.parquet")
    assert movies.column_names == ["name", "movie_id", "year", "genres", "vector"]
    users = (folder / "users_metadata.tsv").read_text("utf-8").splitlines()
    assert users[0].split("\t")[0] == "user_id"
    assert len(users) == 61
    asked(finished, "vectors", "mf_bce", "--out", str(tmp_path / "f"), "--only", "users", "--factors")
    assert len(list((tmp_path / "f").iterdir())) == 3
    assert "ease has no factors" in refused(finished, "vectors", "ease", "--factors", "--out", str(folder))
