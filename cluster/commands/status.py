"""``morphling status``: shows an Experiment's trials."""

import argparse
import sys

from rich.console import Console

from cluster.experiments import Experiments, connect
from cluster.follow import follow, read_state
from cluster.progress_table import progress

_EPILOG = """exit codes: 0 the Experiment succeeded, with --once: it has not failed; 1 it failed, or
cannot be read; 130 stopped by Ctrl-C (the Experiment goes on)"""
# Piped output must not be folded to the width of a terminal that is not there.
_PIPE_WIDTH = 500


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "status",
        help="show an Experiment's trials until it ends",
        description="Shows a row a trial and the best so far, until the Experiment ends: a live "
        "table on a terminal, else a line a change.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="name of the Experiment")
    parser.add_argument(
        "--namespace", "-n", metavar="NAME", help="where it is (default: the kubeconfig's)"
    )
    parser.add_argument("--once", action="store_true", help="show the table once, then exit")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    experiments = connect(arguments.namespace)
    if not arguments.once:
        return show_until_end(experiments, arguments.name)
    state = read_state(experiments, arguments.name)
    _console().print(progress(state))
    return 1 if state.condition == "Failed" else 0


def show_until_end(experiments: Experiments, name: str) -> int:
    """Follows an Experiment and returns the exit code.

    Raises:
        ClusterError: it does not exist, or the API server does not answer.
    """
    try:
        state = follow(experiments, name, _console())
    except KeyboardInterrupt:
        print(
            f"Stopped watching; the Experiment goes on. `morphling status {name} "
            f"--namespace {experiments.namespace}` shows it again.",
            file=sys.stderr,
        )
        return 130
    return 0 if state.has_succeeded else 1


def _console() -> Console:
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width)
