"""Command line: ``python -m benchmarks.wrong_prior``."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.results import Key, Store, record_of
from benchmarks.search_cost.run import run_search
from benchmarks.wrong_prior.functions import UNKNOWN_NAMES, smooth_case
from benchmarks.wrong_prior.methods import AUTO, CREDULOUS, GP, LIBRARY, Methods
from benchmarks.wrong_prior.page import KNOWN, UNKNOWN, tables, write_page
from meta_training.progress import progress_bar

_METHODS: Mapping[str, Sequence[str]] = {KNOWN: (LIBRARY, CREDULOUS, GP), UNKNOWN: (AUTO, GP)}
_NUM_FUNCTIONS, _NUM_SEEDS = 24, 3
_QUICK_FUNCTIONS, _QUICK_SEEDS = 3, 1
_CAP = 100
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is not yet done, writes the page and returns the exit code."""
    arguments = _parser().parse_args(argv)
    is_quick, folder = arguments.quick, arguments.output
    num_functions = _QUICK_FUNCTIONS if is_quick else _NUM_FUNCTIONS
    keys = list(_plan(num_functions, _QUICK_SEEDS if is_quick else _NUM_SEEDS))
    store = Store(folder / "runs.jsonl")
    try:
        _run_missing(keys, _cases(num_functions), store)
    except KeyboardInterrupt:
        print("wrong_prior: stopped; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    planned = set(keys)
    records = [record for record in store.records() if record.key in planned]
    print("\n\n".join(tables(records)))
    print(f"wrong_prior: {write_page(records, folder)}")
    return 0


def _cases(num_functions: int) -> dict[tuple[str, str], Case]:
    """Cases by suite and name."""
    names = {KNOWN: None, UNKNOWN: UNKNOWN_NAMES}
    cases = [(suite, smooth_case(n, names[suite])) for suite in names for n in range(num_functions)]
    return {(suite, case.name): case for suite, case in cases}


def _plan(num_functions: int, num_seeds: int) -> Iterator[Key]:
    for seed in range(num_seeds):
        for suite, case in _cases(num_functions):
            for method in _METHODS[suite]:
                yield Key(suite, case, method, Setup(seed, _CAP))


def _run_missing(keys: Sequence[Key], cases: Mapping[tuple[str, str], Case], store: Store) -> None:
    done = {record.key for record in store.records()}
    missing = [key for key in keys if key not in done]
    with Methods() as methods, store, progress_bar("searches", len(keys)) as on_search:
        for number, key in enumerate(missing, len(keys) - len(missing) + 1):
            run = run_search(methods[key.method], cases[key.suite, key.case], key.setup)
            store.add(record_of(key, run))
            on_search(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wrong_prior",
        description="Counts the samples to the best of 720 configurations where the library of "
        "prior services is wrong, beside a Gaussian process that has no prior services.",
        epilog="exit codes: 0 done; 2 wrong usage; 130 stopped by Ctrl-C, to be continued by the "
        "same command",
    )
    add = parser.add_argument
    add("--quick", action="store_true",
        help=f"{_QUICK_FUNCTIONS} functions, {_QUICK_SEEDS} seed: half a minute")  # fmt: skip
    add("--output", type=Path, default=Path("runs/wrong_prior"),
        help="finished runs and the page (default: %(default)s)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
