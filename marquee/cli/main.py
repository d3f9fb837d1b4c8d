"""Read the command line, run one subcommand, and turn its faults into one line and an exit code.

A subcommand is a module of this package with `configure(parser)`, which adds its arguments, and `run(args)`.
Exit codes: 0 success, 1 a fault in data or parameters, 2 a fault in the command line.
"""

from __future__ import annotations

import sys
from argparse import ArgumentError, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from marquee import __version__
from marquee.errors import MarqueeError, explain
from marquee.terminal import OutputError, excerpt, say, standard_streams

COMMANDS = {
    "recommend": "recommend movies to a user of the data or to a new one",
    "similar": "list the movies most similar to one",
    "serve": "answer over HTTP from all models of the finished run",
    "feedback": "export what visitors of the server rated",
    "update": "learn ratings that came since the fit",
    "online": "predict, score and learn the ratings in the order of time",
    "vectors": "write the vectors of movies and users to files",
    "report": "build the report with another run beside this one",
    "leaderboard": "show the leaderboard of the last run",
    "backtest": "compare models over windows of time, each trained on what came before",
    "experiments": "show the experiments of this commit as one table",
    "repeat": "run several folds or seeds, and show the mean and standard deviation of each metric",
    "judge": "judge lists that any library made by exact metrics, intervals and tests",
    "tune": "try other options of a model on its validation data",
    "plan": "show the memory and disk that a run takes before it starts",
    "check": "check params.yaml without running a stage",
    "use": "set params.yaml to the settings chosen for a release, or to a published protocol",
    "back": "return params.yaml and the outputs to the committed state",
}
ANYWHERE = ("judge",)  # commands that need no project


class Parser(ArgumentParser):
    """Report a fault of the command line in one line, with exit code 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {excerpt(message, 1000)}; see {self.prog} --help\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run `marquee` with the arguments `words` (default: those of the process); return the exit code."""
    words = sys.argv[1:] if words is None else words
    try:
        with standard_streams(forgiving=False):
            return _run(words)
    except BrokenPipeError:  # the reader, such as `head`, has read enough
        return 128 + 13  # as the shell reports a process that SIGPIPE ended
    except KeyboardInterrupt:
        return 130
    except OutputError as error:  # of the last bytes
        with standard_streams(forgiving=True):
            say(f"marquee: {error}")
        return 1


def _run(words: Sequence[str]) -> int:
    parser = Parser(
        prog="marquee", description="Train, compare and ask movie recommenders in one DVC pipeline."
    )
    parser.add_argument("--version", action="version", version=f"marquee {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    program, debug = parser.prog, "--debug" in words
    try:
        for name, summary in COMMANDS.items():
            command = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
            if name in words:  # only a command that may be meant is imported
                module = import_module(f"marquee.cli.{name}")
                module.configure(command)
                command.add_argument("--debug", action="store_true", help="show the traceback of a fault")
                command.set_defaults(run=module.run, parser=command)
        args = parser.parse_args(words)
        program = args.parser.prog
        if not Path("params.yaml").exists() and args.command not in ANYWHERE:
            raise MarqueeError(f"{Path.cwd()} has no params.yaml: change into a project folder and run again")
        args.run(args)
        sys.stdout.flush()
    except ArgumentError as error:
        args.parser.error(str(error))
    except BrokenPipeError:
        raise
    except Exception as error:
        if debug or (line := explain(error)) is None:
            raise
        say(f"{program}: {line}")
        return 1
    return 0
