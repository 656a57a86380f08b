"""``morphling doctor``: says what a cluster lacks, and how to mend it."""

import argparse

from rich.console import Console
from rich.text import Text

from cluster.connection import connect_api
from cluster.diagnosis import Diagnosis

_STYLES = {"ok": "green", "missing": "red", "note": "yellow"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what the cluster lacks, and how to mend it",
        description="Looks at Katib, KServe, rights, webhook, GPU sharing and images, and changes "
        "nothing.",
        epilog="exit codes: 0 all that is needed is there; 1 something is missing, or cannot be "
        "looked at",
    )
    parser.add_argument(
        "--namespace", "-n", metavar="NAME", help="look at this namespace of Experiments as well"
    )
    parser.add_argument(
        "--katib-namespace", metavar="NAME", default="kubeflow",
        help="where Katib runs (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--kserve-namespace", metavar="NAME", default="kserve",
        help="where KServe runs (default: %(default)s)",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    api, _ = connect_api()
    console = Console(highlight=False, soft_wrap=True)
    diagnosis = Diagnosis(
        api, arguments.katib_namespace, arguments.kserve_namespace, arguments.namespace
    )
    num_missing = 0
    for finding in diagnosis.findings():
        num_missing += finding.state == "missing"
        line = Text(f"{finding.state:<8}", style=_STYLES[finding.state])
        console.print(line.append(finding.text, style="default"))
        if finding.mend:
            console.print(f"         {finding.mend}", markup=False)
    return 1 if num_missing else 0
