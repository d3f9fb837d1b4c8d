"""`python -m marquee.cli.check`: is every block of params.yaml one that its stage will accept?"""

from __future__ import annotations

from marquee.config import Params
from marquee.movielens.releases import release
from marquee.recommenders import create
from stages._runner import run


def main(params: Params) -> None:
    release(params.dataset.name)
    for name, entry in params.models.items():
        create(entry.algorithm, entry.task, entry.options, f"models.{name}")


if __name__ == "__main__":
    run(main)
