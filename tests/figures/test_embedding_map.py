"""Figures of a single model: maps of its movies, the order of its genres, its biases."""

from __future__ import annotations

import itertools
from collections import Counter
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from threadpoolctl import threadpool_limits

from marquee.figures import embedding_map, labels, learned_parameters, projections
from marquee.figures.style import BLUE, ORANGE
from marquee.figures.svg import svg
from marquee.io import write_figure
from tests.figures.test_figures import texts

KINDS = ("Drama", "Comedy", "War", "Horror", "Western")


def frequency(genres):
    return Counter(itertools.chain(*genres))


def movies(n, dim=4, deviation=0.2):
    """Return vectors around one direction for each kind, names and groups; the first is rated most."""
    rng = np.random.default_rng(0)
    kind = np.arange(n) % len(KINDS)
    vectors = rng.normal(size=(len(KINDS), dim))[kind] + deviation * rng.normal(size=(n, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    genres = [[] if i % 7 == 6 else ["Drama", KINDS[k]] for i, k in enumerate(kind)]
    return (
        vectors,
        [f"Movie {i}" for i in range(n)],
        names(n),
        embedding_map.main_genres(genres, frequency(genres)),
    )


def maps(*args, **kwargs):
    return embedding_map.embedding_maps(*movies(*args, **kwargs))


def names(n):
    years = [None if i % 3 == 0 else 1950 + i for i in range(n)]
    return [labels.shortened(f"The ${100 * i} Question, or How We Went On", years[i], 24) for i in range(n)]


FIGURES = {
    "a map": lambda: maps(60)["pca"],
    "a map by neighbors": lambda: maps(60)["tsne"],
    "a map of a crowd": lambda: maps(90, deviation=0.01)["pca"],
    "a map of a crowd by neighbors": lambda: maps(90, deviation=0.01)["tsne"],
    "a map by one factor": lambda: maps(30, dim=1)["pca"],
    "a map by two factors": lambda: maps(30, dim=2)["pca"],
    "a map without factors": lambda: maps(30, dim=0)["pca"],
    "a map of three movies": lambda: maps(3)["pca"],
    "a map of one": lambda: maps(1)["pca"],
    "a map of none": lambda: maps(0)["pca"],
    "genres": lambda: learned_parameters.genre_similarity(
        movies(12)[0], [f"A genre of ${i}" for i in range(12)]
    ),
    "one genre": lambda: learned_parameters.genre_similarity(np.ones((1, 2)), ["Drama"]),
    "no genres": lambda: learned_parameters.genre_similarity(np.ones((0, 2)), []),
    "biases": lambda: learned_parameters.item_biases(
        np.linspace(-1, 1.5, 90), names(90), np.arange(90) * 10**4
    ),
    "no biases": lambda: learned_parameters.item_biases(np.zeros(4), names(4), np.arange(4)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_words_are_whole_and_none_is_on_top_of_another(name):
    figure = FIGURES[name]()
    written, sheet = texts(figure), figure.bbox.padded(1)
    pairs = itertools.combinations(written, 2)
    assert [(one, other) for (one, a), (other, b) in pairs if a.padded(-1).overlaps(b.padded(-1))] == []
    corners = [(words, corner) for words, place in written for corner in place.corners()]
    assert [words for words, corner in corners if not sheet.contains(*corner)] == []


def test_the_same_map_has_the_same_bytes_for_any_number_of_threads(tmp_path):
    for name, threads in (("one", 1), ("two", 2)):
        with threadpool_limits(threads):
            write_figure(tmp_path / name / "map.png", maps(40, dim=40)["tsne"])
    assert len({file.read_bytes() for file in tmp_path.glob("*/map.png")}) == 1


def test_movies_of_a_kind_stand_together_in_both_panels():
    points = movies(100)[0]
    kind = np.arange(100) % len(KINDS)
    _, fractions = projections.principal(points)
    assert 0.5 < fractions.sum() <= 1
    places = projections.t_sne(points)
    apart = np.square(places[:, None] - places).sum(-1) + np.diag([np.inf] * 100)
    assert (kind[apart.argmin(1)] == kind).mean() > 0.95


def test_the_first_component_is_the_longest_side_and_its_share_is_known():
    corners = np.array([[0, 0, 3], [0, 1, 3], [2, 0, 3], [2, 1, 3.0]])
    flat, fractions = projections.principal(corners)
    np.testing.assert_allclose(flat, [[-1, -0.5], [-1, 0.5], [1, -0.5], [1, 0.5]], atol=1e-12)
    np.testing.assert_allclose(fractions, [0.8, 0.2])


def test_what_rounding_leaves_is_no_component():
    for equal in (np.array([[0.1, 0.3], [0.3, 0.9]]), np.full((3, 2), 0.1), np.ones((1, 2))):
        flat, fractions = projections.principal(equal)
        assert not flat[:, 1].any()
        assert fractions[1] == 0


def test_all_movies_are_on_the_map_and_the_first_are_named():
    (axes,) = maps(60)["pca"].axes
    assert sum(len(group.get_offsets()) for group in axes.collections) == 60
    names = [text.get_text() for text in axes.texts]
    assert names[:2] == ["The $0 Question, or How…", "The $100 Question, or… (1951)"]
    assert len(names) == embedding_map.LABELED
    assert {text.get_parse_math() for text in axes.texts} == {False}  # a dollar is a dollar


def test_rings_are_around_the_movies_that_are_named():
    (axes,) = maps(30)["pca"].axes
    everyone = np.concatenate([group.get_offsets() for group in axes.collections])
    rings = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert len(rings) == len(axes.texts)
    assert all((everyone == ring).all(1).any() for ring in rings)


@pytest.mark.parametrize(("n", "dim"), [(40, 1), (40, 2), (9, 5), (0, 5)])
def test_too_few_movies_or_factors_have_no_t_sne(n, dim):
    assert list(maps(n, dim)) == ["pca"]
    assert list(maps(40, 3)) == ["pca", "tsne"]


def test_movies_that_are_all_equal_have_no_t_sne():
    vectors, *rest = movies(12)
    for same in (np.ones((12, 1)) * [0.1, 0.2, 0.3], np.zeros_like(vectors)):
        assert list(embedding_map.embedding_maps(same, *rest)) == ["pca"]


def test_every_dot_says_its_name_in_the_drawing():
    vectors, _, labels, groups = movies(60)
    names = [f"<A> & \"B\" 'C' #000000 {n} \x1b\u202e" for n in range(60)]
    drawing = svg(embedding_map.embedding_maps(vectors, names, labels, groups)["pca"])
    dots = {
        dot.findtext("title")
        for dot in ElementTree.fromstring(drawing).iter()
        if dot.find("title") is not None
    }
    assert dots == {f"<A> & \"B\" 'C' #000000 {n} \ufffd" for n in range(60)}


def test_a_movie_counts_for_its_rarest_genre_and_one_without_genre_for_the_rest():
    catalogue = [["Drama"], ["Drama", "War"], ["Comedy", "Drama"], ["Comedy"], [], ["Drama"]]
    found = embedding_map.main_genres(catalogue, frequency(catalogue))
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "Comedy": [2, 3],
        "Drama": [0, 5],
        "War": [1],
        embedding_map.REST: [4],
    }


def test_beyond_eight_genres_a_movie_goes_to_its_rarest_that_has_a_colour():
    common = [[f"genre {i}"] for i in range(8) for _ in range(3)]
    catalogue = [*common, ["genre 5", "rare"], ["rarer"]]
    found = embedding_map.main_genres(catalogue, frequency(catalogue))
    assert list(found) == ["genre 5", *[f"genre {i}" for i in (0, 1, 2, 3, 4, 6, 7)], embedding_map.REST]
    assert found["genre 5"].tolist() == [15, 16, 17, 24]
    assert found[embedding_map.REST].tolist() == [25]


def test_no_two_genres_share_a_colour_or_a_shape():
    left = FIGURES["a map"]().axes[0]
    colours = {to_hex(group.get_facecolor()[0]) for group in left.collections}
    shapes = {group.get_paths()[0].vertices.tobytes() for group in left.collections}
    assert len(colours) == len(shapes) == len(left.collections) == len(KINDS) + 1


def test_similar_genres_are_neighbors():
    factors = np.array([[1, 0.1], [-1, 0.2], [2, 0.3], [-3, 0.1]])
    axes = learned_parameters.genre_similarity(factors, ["War", "Musical", "Western", "Romance"]).axes[0]
    order = [label.get_text() for label in axes.get_yticklabels()]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {
        frozenset({"War", "Western"}),
        frozenset({"Musical", "Romance"}),
    }


def test_cells_say_the_cosine_and_opposites_have_other_colours():
    axes = learned_parameters.genre_similarity(np.array([[1, 0], [3, 4], [-3, -4.0]]), ["a", "b", "c"]).axes[
        0
    ]
    names = [label.get_text() for label in axes.get_yticklabels()]
    words = {text.get_text() for text in axes.texts} - set(names)
    assert words == {".6", "−.6", "−1.0"}
    mesh = axes.collections[0]
    assert [to_hex(colour) for colour in mesh.cmap([0.0, 0.5, 1.0])] == [ORANGE, "#ffffff", BLUE]
    assert mesh.get_clim() == (-1, 1)


def test_a_genre_without_factor_is_like_none():
    axes = learned_parameters.genre_similarity(np.array([[1, 0], [0, 0.0]]), ["a", "b"]).axes[0]
    assert "0" in [text.get_text() for text in axes.texts]


def test_the_best_and_the_worst_liked_movies_are_listed_with_their_ratings():
    biases = np.array([0.1, -0.4, 0.9, 0.0, -1.2, 0.5])
    names = ["A$", "B$", "C", "D", "E", "F"]
    axes = learned_parameters.item_biases(biases, names, np.array([10, 20, 3000, 40, 50, 60]), 2).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "C",
        "F",
        "B$",
        "E",
    ]
    assert [text.get_text() for text in axes.texts] == ["3,000", "60", "20", "50"]
    assert [bar.get_width() for bar in axes.patches] == [0.9, 0.5, -0.4, -1.2]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [BLUE, BLUE, ORANGE, ORANGE]


@pytest.mark.parametrize("most", [3, 5, 50])
def test_no_movie_is_on_both_sides_however_many_are_asked_for(most):
    axes = learned_parameters.item_biases(
        np.array([-3, -2, -1, 1, 2.0]), list("abcde"), np.ones(5, int), most
    ).axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == list("edcba")


@pytest.mark.parametrize(
    ("title", "year", "words"),
    [
        ("Alien", 1979, "Alien (1979)"),
        ("Alien", None, "Alien"),
        ("The Wizard of Oz", 1939, "The Wizard of… (1939)"),
        ("Wizard, The: Return", None, "Wizard, The…"),
        ("Koyaanisqatsiiiiii", None, "Koyaanisqatsi…"),
        ("A\x1bli\u202een\n 3\t", 1992, "A\ufffdlien 3 (1992)"),
    ],
)
def test_a_long_title_is_cut_between_words_and_keeps_its_year(title, year, words):
    assert labels.shortened(title, year, 14) == words


def test_what_finds_no_room_is_not_written():
    axes = mpl.figure.Figure(figsize=(1, 1)).add_subplot()
    axes.scatter([0, 1], [0, 1])
    labels.label_points(axes, np.eye(2), [(0, "much wider than the figure"), (1, "b")], 2, 6)
    assert [text.get_text() for text in axes.texts] == ["b"]
