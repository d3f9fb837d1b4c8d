"""`marquee check`: does every block of params.yaml have what its stage accepts?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from marquee.cli import project
from marquee.movielens.releases import release
from marquee.recommenders import create


def configure(parser: ArgumentParser) -> None:
    pass


def run(args: Namespace) -> None:
    params = project.params()
    release(params.dataset.name)
    for name, entry in params.models.items():
        create(entry.algorithm, entry.task, entry.options, f"models.{name}")
    print(f"params.yaml: no fault found, {len(params.models)} models")
