"""``morphling uninstall``: takes Morphling out of the Katib of a cluster."""

import argparse
from datetime import UTC, datetime

from cluster.commands.install import add_common, cluster_of
from cluster.installation import (
    CONTROLLER,
    ROLE,
    changes_trial_resources,
    namespace_patch,
    restart_patch,
    uninstalled,
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "uninstall",
        help="take Morphling out of the cluster's Katib",
        description="Undoes `morphling install`: katib-config is again as it was, but for what "
        "others have changed; a namespace keeps its label unless it is named. Experiments that "
        "run keep their service.",
        epilog="exit codes: 0 not installed any more; 1 the cluster refuses",
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    cluster = cluster_of(arguments)
    before, after = cluster.change_config(uninstalled)
    cluster.delete_role(ROLE)
    if arguments.namespace:
        cluster.label_namespace(arguments.namespace, namespace_patch(is_injecting=False))
    if changes_trial_resources(before, after):
        cluster.restart(CONTROLLER, restart_patch(datetime.now(UTC).isoformat()))
    print("nothing was changed" if arguments.dry_run else "uninstalled")
    return 0
