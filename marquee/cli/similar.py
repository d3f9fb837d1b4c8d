"""`marquee similar <model> <title>`: the movies most similar to one, as a model sees them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from marquee.cli import lists, online_models, project
from marquee.serving import output, top_n
from marquee.terminal import say


def configure(parser: ArgumentParser) -> None:
    parser.epilog = 'example: marquee similar ease "Alien (1979)" --top 5'
    parser.add_argument("model", help="a name under models: in params.yaml")
    parser.add_argument("title", help="a title, or # and the release's movie id")
    online_models.configure(parser)
    lists.configure(parser)


def run(args: Namespace) -> None:
    movies = project.movies()
    allowed = lists.allowed_movies(args, movies)
    if args.model_dir is None:
        model = project.model(args.model, len(movies))
    else:
        model = online_models.updated_model(args.model, args.model_dir).model
    if args.min_ratings is not None:
        allowed, _ = lists.often_rated(args, model, args.model, allowed)
    item = movies.find_one(args.title, movies.search())
    name = movies.name(item)
    similarities = top_n.item_similarities(model, item, args.model)
    say(f"similar to {name}")
    items, values = top_n.nearest_items(similarities, allowed, item, args.top)
    lists.deliver(args, [output.list_rows(name, items, values, movies, "similarity")], "similarity")
