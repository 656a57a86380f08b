"""``morphling report``: writes the report of an Experiment."""

import argparse
from pathlib import Path

from cluster.errors import ClusterError
from cluster.experiments import connect
from cluster.follow import read_state
from cluster.progress_table import summary
from experiment_report import write_report


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="write an Experiment's report",
        description="Writes index.html, a self-contained page, and trials.csv from the Trials of "
        "an Experiment, finished or not. The probes of each load test end with its pod and are "
        "not in it.",
        epilog="exit codes: 0 written; 1 the Experiment cannot be read or DIR not written",
    )
    parser.add_argument("name", metavar="NAME", help="name of the Experiment")
    parser.add_argument(
        "--namespace", "-n", metavar="NAME", help="where it is (default: the kubeconfig's)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="folder to write to (default: NAME-report)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    state = read_state(connect(arguments.namespace), arguments.name)
    folder = arguments.output or Path(f"{arguments.name}-report")
    try:
        page = write_report(state.record, folder)
    except OSError as error:
        raise ClusterError(f"The report must be written to a folder, but: {error}") from None
    print("\n".join([*summary(state), f"report: {page}"]))
    return 0
