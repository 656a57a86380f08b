"""Command line: ``python -m benchmarks.search_cost``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.search_cost.execute import execute
from benchmarks.search_cost.methods.registry import NAMES, Places
from benchmarks.search_cost.page import write_page
from benchmarks.search_cost.plan import Scope, plan, quick
from benchmarks.search_cost.results import Key, Store
from benchmarks.search_cost.suites import SUITES

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is not yet done, writes the page and returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    chosen = arguments.methods or [n for n in NAMES if not (arguments.quick and n == "vizier")]
    scope = Scope(
        suites=[s for s in SUITES if _is_chosen(s, arguments.worlds)],
        methods=[name for name in NAMES if name in chosen],
        num_seeds=arguments.seeds,
        cap=arguments.cap,
    )
    if not scope.suites:
        parser.error(f"--worlds must name some of {', '.join(SUITES)}, or beginnings of them")
    if "vizier" in scope.methods and not arguments.vizier_python.exists():
        parser.error(f"vizier needs --vizier-python, but {arguments.vizier_python} does not exist")
    keys = list(plan(quick(scope) if arguments.quick else scope))
    store = Store(arguments.output / "runs.jsonl")
    try:
        _run_missing(keys, store, arguments)
    except KeyboardInterrupt:
        print("search_cost: stopped; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    # Those of earlier commands with the same folder too: a long benchmark is run in parts.
    print(f"search_cost: {write_page(list(store.records()), arguments.output)}")
    return 0


def _run_missing(keys: Sequence[Key], store: Store, arguments: argparse.Namespace) -> None:
    done = {record.key for record in store.records()}
    missing = [key for key in keys if key not in done]
    places = Places(arguments.vizier_python, arguments.output)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with store, Progress(*columns) as progress:
        task = progress.add_task("searches", total=len(keys), completed=len(keys) - len(missing))
        for record in execute(missing, arguments.jobs, places):
            store.add(record)
            label = f"{record.key.suite} {record.key.method}"
            progress.update(task, advance=1, description=f"{label:<32}")


def _is_chosen(suite: str, worlds: Sequence[str]) -> bool:
    return not worlds or any(suite == w or suite.startswith(f"{w}/") for w in worlds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search_cost",
        description="Counts the samples that search methods need to find the best configuration.",
        epilog="exit codes: 0 done; 2 wrong usage; 130 stopped by Ctrl-C, to be continued by the "
        "same command",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a few services, one seed, no noise: a few minutes")
    add("--methods", nargs="+", choices=NAMES, metavar="METHOD",
        help=f"of {', '.join(NAMES)} (default: all; with --quick all but vizier)")  # fmt: skip
    add("--worlds", nargs="+", default=[], metavar="WORLD",
        help=f"of {', '.join(SUITES)}, or their first part (default: all)")  # fmt: skip
    add("--seeds", type=int, default=3, help="seeds of each search (default: %(default)s)")
    add("--cap", type=int, default=100, help="samples before giving up (default: %(default)s)")
    add("--output", type=Path, default=Path("runs/search_cost"), help="default: %(default)s")
    add("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    add("--vizier-python", type=Path, default=Path(".venv-vizier/bin/python"),
        help="interpreter of an environment with google-vizier (default: %(default)s)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
