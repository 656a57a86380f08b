"""``morphling install``: adds Morphling to the Katib of a cluster."""

import argparse
import sys
from datetime import UTC, datetime
from functools import partial

from cluster.connection import connect_api
from cluster.installation import (
    CONTROLLER,
    Wanted,
    binding,
    changes_trial_resources,
    installed,
    namespace_patch,
    restart_patch,
    role,
)
from cluster.katib_cluster import KatibCluster

DEFAULT_IMAGE = "morphling-suggestion:0.1.0"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "install",
        help="add Morphling to the cluster's Katib",
        description="Adds Morphling and InferenceServices to katib-config, leaving everything else "
        "in it as it is; gives Katib's controller the rights that such trials need; restarts it "
        "when it must read its configuration again. May be repeated.",
        epilog="exit codes: 0 installed, or was already; 1 the cluster refuses",
    )
    add_common(parser)
    parser.add_argument(
        "--image", default=DEFAULT_IMAGE, help="of the suggestion service (default: %(default)s)"
    )
    parser.add_argument(
        "--replace-bayesianoptimization",
        action="store_true",
        help="let Experiments with algorithmName bayesianoptimization use it too",
    )
    parser.set_defaults(run=run)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that ``install`` and ``uninstall`` share."""
    parser.add_argument(
        "--namespace", "-n", metavar="NAME", help="a namespace of Experiments, to be labelled"
    )
    parser.add_argument(
        "--katib-namespace", metavar="NAME", default="kubeflow",
        help="where Katib runs (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would change, and change nothing"
    )


def cluster_of(arguments: argparse.Namespace) -> KatibCluster:
    """The cluster that the flags and the kubeconfig name."""
    api, _ = connect_api()
    show = partial(print, end="", file=sys.stdout)
    return KatibCluster(api, arguments.katib_namespace, arguments.dry_run, show)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    cluster = cluster_of(arguments)
    wanted = Wanted(arguments.image, arguments.replace_bayesianoptimization)
    before, after = cluster.change_config(lambda config_map: installed(config_map, wanted))
    cluster.ensure_role(role(), binding(arguments.katib_namespace))
    if arguments.namespace:
        cluster.label_namespace(arguments.namespace, namespace_patch(is_injecting=True))
    if changes_trial_resources(before, after):
        cluster.restart(CONTROLLER, restart_patch(datetime.now(UTC).isoformat()))
    print("nothing was changed" if arguments.dry_run else "installed; `morphling doctor` checks it")
    return 0
