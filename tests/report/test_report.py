"""The page, from an invented run of four models and an oracle."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from marquee.figures.captioned import Captioned, save_figures
from marquee.leaderboard.table import CompareOptions, ModelResult, compare
from marquee.report import PageFigure, render
from tests.report.sample import compared, piece, sample_content

VOID = {"meta", "br", "link", "input", "img", "hr"}


@pytest.fixture(scope="module")
def page():
    return render(sample_content())


class Outline(HTMLParser):
    """Fails on a tag that closes another one than it should; collects ids, links and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.references, self.words, self.attributes = [], [], [], [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href", "src", "srcset", "data", "action", "poster"):
                self.references.append(value)
            self.references += re.findall(r"url\(([^)]*)\)", value or "")

    def handle_endtag(self, tag):
        assert self.open[-1:] == [tag], f"</{tag}> in line {self.getpos()[0]}"
        self.open.pop()

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)


def test_every_tag_is_closed_in_its_place(page):
    assert Outline(page).open == []


def test_no_id_stands_twice_and_every_link_ends_inside_the_page(page):
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids)) > 20
    assert outline.references
    assert {link for link in outline.references if link[0] != "#" or link[1:] not in outline.ids} == set()


def test_the_page_needs_nothing_from_outside(page):
    assert re.findall(r"https?:|@import|<script|<link|<iframe|src=", page) == ["<script"]


def test_every_section_is_in_the_contents_and_has_a_heading(page):
    sections = re.findall(r'<h2 id="(\w+)"><a href="#\1">(.*?)</a></h2>', page)
    assert [name for name, _ in sections] == [
        *("data", "leaderboard", "models", "tail", "groups", "parameters", "provenance", "metrics")
    ]
    assert re.findall(r'<li><a href="#(\w+)">(.*?)</a></li>', page) == sections


def test_every_figure_has_a_caption_and_text_for_a_screen_reader(page):
    content = sample_content()
    found = [*content.dataset.values(), *content.leaderboard.values()]
    found += [one for figures in content.models.values() for one in figures.values()]
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == len(found) == 11
    alts = re.findall(r'role="img" aria-label="(.*?)"><svg', page)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert sorted(zip(alts, captions, strict=True)) == sorted((one.alt, one.caption) for one in found)


def test_each_group_of_users_is_a_column_with_its_number_of_users(page):
    part = page.partition('id="groups"')[2].partition("</section>")[0]
    assert "<h3>Ranking, NDCG@10 by activity</h3>" in part
    assert re.findall(r'<th scope="col">(.*?)</th>', part) == [
        *("Model", "1 to 40 (n = 471)", "41 to 300 (n = 472)")
    ]
    ease = re.search(r'data-model="ease".*?</tr>', part, re.DOTALL)
    assert ease
    assert re.findall(r"<td>([\d.]+)", ease[0]) == ["0.4312", "0.3712"]


def test_the_same_content_gives_the_same_bytes_in_another_process_with_another_hash_seed(page):
    code = "import test_report as t; print(t.render(t.sample_content()), end='')"
    for seed in ("1", "2"):
        path = os.pathsep.join([*sys.path, os.path.dirname(__file__)])  # noqa: PTH120
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        assert done.stdout.decode("utf-8") == page


def with_row(content, model, metric, **values):
    changed = [
        {**row, **values} if (row["model"], row["metric"]) == (model, metric) else row for row in content.rows
    ]
    return {"rows": changed}


def with_caption(content, words):
    return {"models": {**content.models, "ease": {"movies_pca": piece("ease-map", words)}}}


def with_rate(content, value):
    models = content.params["models"]
    return {"params": {**content.params, "models": {**models, "mf_bce": {"learning_rate": value}}}}


CHANGES = [  # what the page says, what it says after a change, and the change
    ("6.30%", "7.30%", lambda c: {"card": {**c.card, "density": 0.073}}),
    ("3.53", "2.91", lambda c: {"card": {**c.card, "mean_rating": 2.91}}),
    ("100,000", "123,456", lambda c: {"card": {**c.card, "ratings": 123_456}}),
    ("1997-09-20", "1970-01-02", lambda c: {"card": {**c.card, "first_timestamp": 86_400}}),
    ("\n505\n", "\n606\n", lambda c: {"card": {**c.card, "genres": {**c.card["genres"], "Comedy": 606}}}),
    ("\n17\n", "\n18\n", lambda c: {"card": {**c.card, "dropped": {**c.card["dropped"], "duplicates": 18}}}),
    (
        "nearest 91% share",
        "nearest 17% share",
        lambda c: with_caption(c, "Of the nearest 17% share a genre."),
    ),
    ("[0.3891, 0.4144]", "[0.3891, 0.4999]", lambda c: with_row(c, "ease", "ndcg@10", high=0.4999)),
    ("−0.1481", "−0.1482", lambda c: with_row(c, "popularity", "ndcg@10", difference=-0.1482)),
    ("\n0.213\n", "\n0.049\n", lambda c: with_row(c, "mf_bce", "ndcg@10", p_holm=0.049)),
    ("no significant difference (p = 0.213", "a significant difference (p = 0.049", lambda c: {}),
    ("\n0.0351\n", "\n0.0999\n", lambda c: with_row(c, "bias", "hit@5", value=0.0999)),
    ("\n1e-05\n", "\n0.25\n", lambda c: with_rate(c, 0.25)),
    ("9f86d081", "0f86d081", lambda c: {"card": {**c.card, "ratings_sha256": "0f86d081"}}),
    ("2.13.0", "2.14.0", lambda c: {"versions": {**c.versions, "torch": "2.14.0"}}),
]


def text(page):
    return "\n".join(Outline(page).words)


def test_every_number_comes_from_the_content(page):
    content = sample_content()
    for _, _, change in CHANGES:
        content = dataclasses.replace(content, **change(content))
    before, after = text(page), text(render(content))
    assert {old for old, _, _ in CHANGES if old not in before} == set()
    assert {new for _, new, _ in CHANGES if new in before} == set()
    assert {new for _, new, _ in CHANGES if new not in after} == set()
    assert {old for old, _, _ in CHANGES if after.count(old) >= before.count(old)} == set()


def test_text_from_outside_stays_text():
    evil = "<script>alert('x')</script>\" onload=\"x&amp;$5$"
    content = sample_content()
    rows = [{**row, "model": evil} if row["model"] == "ease" else row for row in content.rows]
    content = dataclasses.replace(
        content,
        title=evil,
        rows=rows,
        card={**content.card, "name": evil, "licence": evil, "genres": {evil: 1}, "ratings_sha256": evil},
        models={evil: {"movies_pca": dataclasses.replace(piece(evil, evil), alt=evil)}},
        samples={evil: [{"user": evil, "history": [{"title": evil, "rating": None}], "recommended": [evil]}]},
        params={"models": {evil: {evil: [evil]}}, evil: evil},
        versions={evil: evil},
    )
    page = render(content)
    outline = Outline(page)
    assert page.count("<script") == page.count("</script") == 1
    assert outline.open == []
    assert "onload" not in outline.attributes
    assert outline.words.count(evil) > 15
    assert all(re.fullmatch(r"[\w.-]+", name) for name in outline.ids)
    assert {link[1:] for link in outline.references} <= set(outline.ids)


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\u2028"])
def test_what_no_reader_sees_and_a_browser_obeys_is_left_out(hidden):
    content = dataclasses.replace(sample_content(), title=f"Mar{hidden}quee")
    page = render(content)
    assert hidden not in page
    assert re.search("<title>Mar[\ufffd ]?quee: synthetic-100k", page)


def test_twenty_five_models_with_long_names_are_all_there_once_in_each_table():
    content = sample_content(22)
    page = render(content)
    assert Outline(page).open == []
    tables = re.findall(r">Ranking, by NDCG@10</a></h3>\n(.*?)</table>", page, re.DOTALL)
    tables += re.findall(r"<h3>Accuracy of the first 10 places</h3>\n(.*?)</table>", page, re.DOTALL)
    assert len(tables) == 2
    for model in {row["model"] for row in content.rows if row["task"] == "ranking"}:
        assert [table.count(f'data-model="{model}"') for table in tables] == [1, 1]


def test_the_sentence_at_the_top_names_the_leader_its_lead_and_the_oracle(page):
    first, second = (
        re.sub("<.*?>", "", line) for line in re.findall(r"<p>(<strong>.*?)</p>", page, re.DOTALL)
    )
    assert re.match(r"ease leads ranking .* 0.0051 ahead of mf_bce: no significant difference", first)
    assert re.findall(r"0\.\d+", first) == ["0.4012", "0.0051", "0.213", "0.5125"]
    assert re.match(
        r"bias is the only rating model, with RMSE 0.9412\..*oracle.* 0.8976\.$", second, re.DOTALL
    )


def test_real_data_has_no_oracle_and_the_page_does_not_speak_of_one():
    content = sample_content()
    rows = [row for row in content.rows if row["model"] != "oracle"]
    assert "oracle" not in text(render(dataclasses.replace(content, rows=rows)))


def test_a_task_without_models_is_said_to_have_none():
    content = sample_content()
    rows = [row for row in content.rows if row["task"] == "ranking"]
    page = render(dataclasses.replace(content, rows=rows))
    assert "No model was evaluated on the rating task." in page


def test_the_page_says_what_lists_leave_out():
    content = sample_content()
    assert "marquee recommend</code> never shows one" in render(content)
    params = {**content.params, "evaluate": {"mask": "rated", "ks": [10]}}
    assert "and the movies that the user rated below the threshold, as" in render(
        dataclasses.replace(content, params=params)
    )


def test_warnings_of_a_split_are_on_the_page():
    warned = {"ranking": ["no rating has a timestamp, so <b>"], "rating": []}
    page = render(dataclasses.replace(sample_content(), split_warnings=warned))
    assert "Split of the ranking task:</strong> no rating has a timestamp, so &lt;b&gt;." in page
    assert "Split of the rating task" not in page


def test_counts_are_not_called_ratings():
    content = sample_content()
    card = {**content.card, "feedback": "implicit", "added_up": 7}
    page = text(render(dataclasses.replace(content, card=card)))
    assert "every row is a positive" in page
    assert "7 rows were added up" in page
    assert ("Mean count" in page, "Mean rating" in page) == (True, False)


def test_a_threshold_that_makes_nearly_all_ratings_positives_is_said():
    content = sample_content()
    for asked, words in (
        (1, "100.0% of the ratings are positives"),
        ("100%", None),
        (6, "only 0.0%"),
        ("auto", None),
    ):
        params = {**content.params, "tasks": {"ranking": {"positive_threshold": asked}}}
        page = render(dataclasses.replace(content, params=params))
        assert ("<strong>Warning:</strong>" in page) == (words is not None)
        assert words is None or words in page
    everything = {**content.params, "tasks": {"ranking": {"positive_threshold": 1}}}
    for only in ({"scale": {"low": 1.0, "high": 1.0, "step": 0.0}}, {"feedback": "implicit", "added_up": 0}):
        page = render(dataclasses.replace(content, card={**content.card, **only}, params=everything))
        assert "<strong>Warning:</strong>" not in page


def test_ratings_without_times_have_no_first_day():
    content = sample_content()
    card = {**content.card, "first_timestamp": None, "last_timestamp": None}
    page = render(dataclasses.replace(content, card=card))
    assert re.findall(r"<dt>(?:First|Last) rating</dt><dd>(.*?)</dd>", page) == ["–", "–"]


def test_the_rows_of_a_comparison_are_what_the_page_reads():
    rng = np.random.default_rng(1)
    users = np.arange(200)
    evaluated = []
    for model, mean in (("ease", 0.4), ("mf_bce", 0.2), ("oracle", 0.5)):
        columns = {f"{name}@10": rng.binomial(1, mean, 200).astype(float) for name in ("hit", "ndcg")}
        means = {name: values.mean() for name, values in columns.items()} | {"coverage@10": 0.1}
        evaluated.append(ModelResult(model, "ranking", means, {"user": users, **columns}))
    rows = compare(evaluated, CompareOptions(bootstrap_samples=100), rng)
    page = render(dataclasses.replace(sample_content(), rows=rows, headline={"ranking": "ndcg@10"}))
    assert Outline(page).open == []
    assert re.search("<strong>ease</strong> leads ranking .* significant difference .* The oracle", page)
    assert "Coverage@10" in page


def test_models_that_predict_ratings_show_how_they_rank_beside_their_error(page):
    (shown,) = re.findall(r">Two goals</a></h3>\n(.*?)</table>", page, re.DOTALL)
    assert "bias has the best RMSE and the best NDCG@10, 0.0481." in shown
    assert re.findall(r'<th scope="col">(.*?)</th>', shown)[:3] == ["Model", "RMSE", "Hit@10"]
    assert re.findall(r'<tr data-model="(.*?)"', shown) == ["oracle", "bias"]


def test_the_best_lists_may_be_another_models_than_the_best_ratings():
    content = sample_content()
    other = [
        compared("rating", "svd", "rmse", 0.9512, 0.9412),
        compared("rating", "svd", "ndcg@10", 0.0734, 0.0734),
    ]
    page = render(dataclasses.replace(content, rows=[*content.rows, *other]))
    assert "bias has the best RMSE and svd the best NDCG@10, 0.0734." in page


def test_a_block_inside_a_block_of_parameters_has_a_table_of_its_own(page):
    tables = dict(re.findall(r'<div class="block"><h3>(.*?)</h3>(.*?)</table>', page, re.DOTALL))
    assert list(tables) == [
        *("ease", "mf_bce", "general", "dataset", "tasks.rating", "tasks.ranking", "negatives", "evaluate")
    ]
    assert "train_file</th><td>–</td>" in tables["tasks.ranking"]
    assert "ks</th><td>5, 10, 20</td>" in tables["evaluate"]


def test_each_model_has_a_part_with_its_figures_and_the_best_of_each_task_is_open(page):
    found = re.findall(r'<details id="model-(\w+)" data-model="\1"( open)?>(.*?)</details>', page, re.DOTALL)
    assert [model for model, *_ in found] == ["ease", "mf_bce", "popularity", "bias"]
    assert [model for model, is_open, _ in found if is_open] == ["ease", "bias"]
    parts = {model: inside for model, _, inside in found}
    assert [f"<summary><h4>{model}</h4>" in inside for model, inside in parts.items()] == [True] * 4
    assert "RMSE 0.9412" in parts["bias"]
    kinds = {model: re.findall(r'<figure class="(.*?)">', inside) for model, inside in parts.items()}
    assert kinds["bias"] == ["learning_curve", "errors"]
    assert kinds["popularity"] == []
    assert ["without epochs" in inside for inside in parts.values()] == [True, False, True, False]
    assert ["No map" in inside for inside in parts.values()] == [False, True, True, True]


def test_a_model_shows_what_it_recommends_to_three_users(page):
    (part,) = re.findall(r'<details id="model-ease".*?</details>', page, re.DOTALL)
    assert re.findall("<h5>(.*?)</h5>", part) == [f"Recommended to user {user}" for user in (1, 7, 42)]
    assert part.count("<li>") == 30
    assert "who rated Seen 0 by 1 (1990) (4.5), Seen 1 by 1 (1990) (4.5)" in part
    assert page.count("<h5>") == 3


def test_headings_descend_one_level_at_a_time(page):
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1
    assert [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1] == []


def test_every_scrollable_frame_takes_the_keyboard_and_has_a_name(page):
    frames = re.findall(r'<div class="scroll"(.*?)>', page)
    assert len(frames) > 10
    assert [
        frame for frame in frames if not re.match(' role="group" tabindex="0" aria-label=".+"', frame)
    ] == []


def test_the_least_p_that_the_bootstrap_can_show_is_an_upper_bound():
    content = sample_content()
    rows = [{**row, "p_holm": 0.001998} if row["p_holm"] == 0.0004 else row for row in content.rows]
    shown = text(render(dataclasses.replace(content, rows=rows, resamples=1000)))
    assert "\n≤ 0.002\n" in shown, "2 tests, each at 1 in 1,001"
    assert "\n0.213\n" in shown
    shown = text(render(dataclasses.replace(content, rows=rows, resamples=10_000)))
    assert "\n0.002\n" in shown


def test_the_name_of_a_dot_cannot_change_the_ids_of_a_drawing():
    words = 'id="a0" href="#a0" url(#a0)'
    drawing = piece("x", "x").svg.replace("</svg>", f"<text>{words}</text></svg>")
    content = sample_content()
    one = dataclasses.replace(content.dataset["ratings"], svg=drawing)
    page = render(dataclasses.replace(content, dataset={**content.dataset, "ratings": one}))
    assert f"<text>{words}</text>" in page
    assert len(set(Outline(page).ids)) == len(Outline(page).ids)


def test_saved_figures_are_read_back(tmp_path):
    save_figures(tmp_path, {"map": Captioned(Figure(), "Movies & more", "Map")})
    found = PageFigure.read_folder(tmp_path)
    assert found == {"map": PageFigure((tmp_path / "map.svg").read_text("utf-8"), "Movies & more", "Map")}
    assert found["map"].svg.startswith("<svg")
