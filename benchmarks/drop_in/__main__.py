"""Command line: ``python -m benchmarks.drop_in``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from benchmarks.drop_in.execute import execute
from benchmarks.drop_in.page import write_page
from benchmarks.drop_in.plan import NAMES, Scope, plan
from benchmarks.drop_in.results import Key, append, records
from benchmarks.drop_in.suites import SUITES

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is not yet done, writes the page and returns the exit code."""
    arguments = _parser().parse_args(argv)
    scope = Scope(
        suite=arguments.suite,
        methods=[name for name in NAMES if name in arguments.methods],
        num_instances=1 if arguments.quick else 10,
        num_seeds=1 if arguments.quick else 3,
    )
    path = arguments.output / "runs.jsonl"
    done = {record.key for record in records(path)}
    keys = list(plan(scope))
    try:
        _run_missing([key for key in keys if key not in done], path, arguments.jobs)
    except KeyboardInterrupt:
        print("drop_in: stopped; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    planned = set(plan(Scope(suite=arguments.suite)))
    known = [record for record in records(path) if record.key in planned]
    print(f"drop_in: {write_page(known, arguments.suite, arguments.output)}")
    return 0


def _run_missing(keys: Sequence[Key], path: Path, num_jobs: int) -> None:
    with Progress() as progress:
        task = progress.add_task("searches", total=len(keys))
        for record in execute(keys, num_jobs):
            append(path, record)
            progress.update(task, advance=1, description=f"{record.key.problem:<16}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drop_in",
        description="Compares our default search on general black-box functions with what Katib "
        "has: 50 trials, ten instances of each function, three seeds.",
        epilog="exit codes: 0 done; 2 wrong usage; 130 stopped by Ctrl-C, to be continued by the "
        "same command",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one instance and one seed of each problem")
    add("--suite", choices=list(SUITES), default="test", help="default: %(default)s")
    add("--methods", nargs="+", choices=NAMES, default=NAMES, metavar="METHOD",
        help=f"of {', '.join(NAMES)} (default: all)")  # fmt: skip
    add("--output", type=Path, default=Path("runs/drop_in"), help="default: %(default)s")
    add("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
