"""`marquee serve`: answer over HTTP from all models of the finished run, and store what visitors rate."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marquee import dvc_state
from marquee.cli import project
from marquee.cli.feedback import DATABASE, extra
from marquee.data.identity import MOVIES, identity_of
from marquee.demo import content, page
from marquee.errors import MarqueeError
from marquee.io import read_parquet
from marquee.movielens.schema import Scale
from marquee.terminal import say

if TYPE_CHECKING:
    from marquee.server.snapshot import Snapshot

READ = ("data/movies.parquet", "data/dataset.json")  # beside the models
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}", re.ASCII)
EXAMPLES = """examples:
  marquee serve
  marquee serve --models ease,ials --port 8080
  MARQUEE_TOKEN=$(openssl rand -hex 32) marquee serve --host 0.0.0.0 --allowed-host films.example.org
"""


def configure(parser: ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("--host", default="127.0.0.1", help="the address to bind to (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="(8000); 0: a free one")
    parser.add_argument(
        "--token",
        default=os.environ.get("MARQUEE_TOKEN"),
        help="ask for this bearer token; the variable MARQUEE_TOKEN keeps it out of the list of processes",
    )
    parser.add_argument(
        "--allowed-host", metavar="NAME", action="append", default=[], help="a name of the server"
    )
    parser.add_argument("--models", metavar="NAME,NAME", help="those to serve (all of params.yaml)")
    parser.add_argument(
        "--rate-limit",
        metavar="N",
        type=_count,
        default=50,
        help="requests a second of one address (50); 0: any",
    )
    parser.add_argument("--proxy", metavar="ADDRESS", help="a reverse proxy that names the visitor's address")
    store = parser.add_mutually_exclusive_group()
    store.add_argument("--feedback", metavar="URL", default=DATABASE, help=f"where ratings go ({DATABASE})")
    store.add_argument("--no-feedback", action="store_true", help="store no ratings")
    parser.add_argument(
        "--learn-every",
        metavar="N",
        type=_count,
        default=0,
        help="have the models learn whenever visitors gave N more ratings (never)",
    )
    parser.add_argument(
        "--mcp", action="store_true", help="speak the Model Context Protocol on stdin and stdout"
    )


def run(args: Namespace) -> None:
    if args.host != "localhost" and not _is_loopback(args.host) and not args.token and not args.mcp:
        raise MarqueeError(
            f"--host {args.host} lets other machines ask, and there is no token: set MARQUEE_TOKEN, "
            "or bind to 127.0.0.1"
        )
    if args.token and not TOKEN.fullmatch(args.token):
        raise MarqueeError("the token is none: give 16 to 200 letters, digits, - and _, chosen by chance")
    if args.learn_every and args.no_feedback:
        raise MarqueeError("--learn-every learns from ratings that are stored: leave --no-feedback out")
    _use_one_thread()
    with extra("marquee serve"):
        from marquee.server import memory
        from marquee.server.current import Current

        if args.mcp:
            from marquee.server.tools import tools
        else:
            from marquee.server import run as server
    memory.prepare()
    names = list(dict.fromkeys(filter(None, (args.models or "").split(",")))) or None
    current = Current(lambda: snapshot(names, not args.no_feedback), stamp, dvc_state.is_running)
    if args.mcp:
        tools(current).run()
        return
    store = None if args.no_feedback else server.Feedback(args.feedback)
    listening = _listen(args.host, args.port)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(f"marquee serve: {len(current.snapshot.models)} models at http://{shown}:{port}; Ctrl+C stops it")
    hosts = tuple(args.allowed_host)
    limits = server.limits(args.token, hosts, args.rate_limit)
    learner = None
    if args.learn_every and store is not None:
        command, about = (sys.executable, "-m", "marquee.cli.learning"), {"feedback": args.feedback}
        busy = dvc_state.is_running
        learner = server.Learner(current, command, about, args.learn_every, store.any(), busy)
    server.serve(current, store, limits, listening, args.proxy, learner)


def snapshot(names: list[str] | None, stores: bool) -> Snapshot:
    """Read the models `names`, or all of params.yaml, with weights that stay in their files.

    stores  whether the server keeps ratings, which its page has to say

    Raises MarqueeError where one is missing or of other data.
    """
    from marquee.server.snapshot import Snapshot

    movies = project.movies()
    scale, threshold = project.scale()
    wanted = names or list(project.params().models)
    models = {name: project.model(name, len(movies), mapped=True) for name in wanted}
    tasks = {model.task for model in models.values()}
    counts = {task: project.training_counts(task, len(movies)) for task in sorted(tasks)}
    html = _page(scale, threshold, next(iter(counts.values())), stores)
    return Snapshot(identity_of(), movies, models, counts, scale, threshold, html)


def _use_one_thread() -> None:
    """One request is too little work for several threads: handing it out takes longer than doing it."""
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")


def _page(scale: Scale, threshold: float, counts: np.ndarray, stores: bool) -> str:
    """Return the page that asks this server."""
    table, params = read_parquet(MOVIES), project.params()
    data = content.page_data(params.dataset.name, scale, threshold, table, counts, np.arange(len(table)))
    return page.render({**data, "api": "", "stores": stores}, params.report.title, assets="assets/")


def stamp() -> Hashable:
    """Return the times and sizes of the files that a snapshot is read from."""
    found = []
    for path in sorted([*map(Path, READ), *Path("models").glob("*/model.json")]):
        try:
            about = path.stat()
        except FileNotFoundError:
            continue
        found.append((str(path), about.st_mtime_ns, about.st_ino, about.st_size))
    return tuple(found)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()
    except OSError as error:
        raise MarqueeError(
            f"{host} port {port} cannot be used ({error.strerror}): name others with --host and --port"
        ) from None
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"{text[:20]!r} is no port: name one from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise ArgumentTypeError(f"{text[:20]!r} is not a whole number up to 999999")
    return int(text)
