"""Command line: ``python -m benchmarks.load_generator``."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.load_generator.cases import CASES
from benchmarks.load_generator.methods import METHODS
from benchmarks.load_generator.page import write_page
from benchmarks.load_generator.results import ClosedLoop, Measurement, Stall, Store, Window
from benchmarks.load_generator.run import TRUTH, plan, run_clients, run_missing

_INTERRUPTED = 130
_RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures what is not yet measured, writes the page and returns the exit code."""
    arguments = _parser().parse_args(argv)
    cases = _installed(arguments.cases, lambda name: CASES[name].server.missing())
    methods = _installed(
        arguments.methods, lambda name: "" if name == TRUTH else METHODS[name].missing()
    )
    searches = Store(arguments.results / "searches.jsonl", Measurement)
    windows = Store(arguments.results / "windows.jsonl", Window)
    loops = Store(arguments.results / "closed_loops.jsonl", ClosedLoop)
    stalls = Store(arguments.results / "stalls.jsonl", Stall)
    try:
        tasks = list(plan(cases, methods, arguments.repeats))
        num_failed = run_missing(tasks, arguments.jobs, searches, windows)
        if arguments.clients:
            num_failed += run_clients(arguments.repeats, loops, stalls)
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return _INTERRUPTED
    page = write_page(
        arguments.results, searches.values(), windows.values(), loops.values(), stalls.values()
    )
    print(page.read_text())
    if num_failed:
        print(f"{num_failed} runs failed; the same command tries them again.", file=sys.stderr)
    return 1 if num_failed else 0


def _installed(names: Sequence[str], missing: Callable[[str], str]) -> list[str]:
    """The names of what can be run; says how to get the rest."""
    installed = []
    for name in names:
        if how := missing(name):
            print(f"{name} is left out; to install it: {how}", file=sys.stderr)
        else:
            installed.append(name)
    return installed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load_generator",
        description="Finds the peaks of servers with every method, repeatedly, and writes a page "
        "on how far off each is and what it costs. What is not installed is left out.",
        epilog="exit codes: 0 done; 1 some runs failed, the same command tries them again; 2 wrong "
        "usage; 130 stopped by Ctrl-C or SIGTERM, to be continued by the same command",
    )
    add = parser.add_argument
    add("--cases", nargs="*", choices=CASES, default=list(CASES), metavar="CASE",
        help=f"of {', '.join(CASES)} (default: all)")  # fmt: skip
    add("--methods", nargs="*", choices=(TRUTH, *METHODS), default=[TRUTH, *METHODS],
        metavar="METHOD", help=f"of {', '.join((TRUTH, *METHODS))}; {TRUTH} measures real servers "
        "by other means (default: all)")  # fmt: skip
    add("--clients", action="store_true", help="also what each client costs for a request, and "
        "whether it sees a stall of the server")  # fmt: skip
    add("--repeats", type=int, default=10, help="runs of each (default: %(default)s)")
    add("--jobs", type=int, default=1, help="how many runs at once on the simulated servers of up "
        "to 200 requests a second; all others run alone (default: %(default)s)")  # fmt: skip
    add("--results", type=Path, default=_RESULTS, metavar="FOLDER", help="of the page and of the "
        "measurements, none of which is made twice (default: beside this program)")  # fmt: skip
    return parser


if __name__ == "__main__":
    # Whatever stops this program must stop its servers: they would spoil the next measurement.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
