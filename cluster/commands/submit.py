"""``morphling submit``: creates an Experiment."""

import argparse
import sys
from pathlib import Path

from cluster.commands.status import show_until_end
from cluster.experiments import connect

_EPILOG = """exit codes: 0 created, with --follow: the Experiment succeeded; 1 refused, or with
--follow: it failed; 2 a flaw in the file; 130 stopped by Ctrl-C (the Experiment goes on)"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "submit",
        help="create an Experiment",
        description="Checks an Experiment's fields, creates it and prints its name. What Katib "
        "itself refuses is said in Katib's words.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", type=Path, metavar="EXPERIMENT.yaml")
    parser.add_argument(
        "--namespace",
        "-n",
        metavar="NAME",
        help="where to create it (default: the file's namespace, else the kubeconfig's)",
    )
    parser.add_argument("--follow", action="store_true", help="show its trials until it ends")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    # Here, since the Katib SDK takes seconds to load and no other command needs it.
    from cluster.experiment_file import FlawError, load_experiment

    try:
        experiment = load_experiment(arguments.experiment)
    except FlawError as error:
        print(f"morphling submit: {error}", file=sys.stderr)
        return 2
    metadata = experiment["metadata"]
    experiments = connect(arguments.namespace or metadata.get("namespace"))
    # The API server refuses an object whose namespace is not the one of the request.
    metadata["namespace"] = experiments.namespace
    experiments.create(experiment)
    name = str(metadata["name"])
    print(name, flush=True)
    return show_until_end(experiments, name) if arguments.follow else 0
