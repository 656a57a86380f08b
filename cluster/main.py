"""Command line of ``morphling``: Experiments on a cluster."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cluster.commands import doctor, install, report, status, submit, uninstall
from cluster.errors import ClusterError

_COMMANDS = (install, uninstall, doctor, submit, status, report)
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ClusterError as error:
        print(f"morphling: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling",
        description="Runs Katib Experiments that tune model serving on a cluster.",
        epilog="exit codes: 0 done; 1 the work failed, with the reason; 2 wrong usage or input; "
        "130 stopped by Ctrl-C",
    )
    parser.add_argument("--version", action="version", version=version("morphling-katib"))
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
