"""`marquee vectors <model>`: what a model learned of movies and users, for other programs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from marquee.cli import project
from marquee.io import read_parquet
from marquee.serving import vectors


def configure(parser: ArgumentParser) -> None:
    parser.epilog = (
        "example: marquee vectors als_genres --out vectors\n\n"
        "Load movies_vectors.tsv and movies_metadata.tsv into an embedding projector, or the Parquet files."
    )
    parser.add_argument("model", help="a name under models: in params.yaml")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--only", choices=vectors.SIDES, help="default: both")
    parser.add_argument(
        "--factors",
        action="store_true",
        help="factors, whose products are the scores; default: vectors of length 1, whose cosines are "
        "similarities",
    )


def run(args: Namespace) -> None:
    movies = project.movies()
    model = project.model(args.model, len(movies))
    users = read_parquet(Path("data/users.parquet")).to_pydict()
    names = [movies.name(item) for item in range(len(movies))]
    about = {
        "movies": {"name": names, "movie_id": movies.ids, "year": movies.years, "genres": movies.genres},
        "users": {"user_id": users.pop("user_id"), **{key: users[key] for key in users if key != "user"}},
    }
    found = vectors.vectors_of(model, args.factors, args.model)
    for side in [args.only] if args.only else vectors.SIDES:
        vectors.write_vectors(args.out, side, found[side], about[side])
        n, d = found[side].shape
        print(f"{args.out / side}.parquet, _vectors.tsv, _metadata.tsv: {n:,} {side}, {d:,} numbers each")
