"""Command line: ``python -m benchmarks.maml_ablation``."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.maml_ablation.page import table_of, write_page
from benchmarks.maml_ablation.trainings import TRAININGS
from benchmarks.maml_ablation.variants import VARIANTS, Variant, chooser_of, weights_of
from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.methods.altered import Altered
from benchmarks.search_cost.methods.ours import Services
from benchmarks.search_cost.plan import spread
from benchmarks.search_cost.results import Key, Store, record_of
from benchmarks.search_cost.run import run_search
from benchmarks.search_cost.suites import problems_of
from meta_training.progress import progress_bar, silent_standard_error
from suggestion.tensorflow_setup import set_up_tensorflow

# The 32 test services of the open-source world: no setting of the search was chosen by them.
SUITE = "open-source/1"
_SETTINGS = {"surrogate": "maml", "acquisition": "confidence_delta", "initial_points": "corners"}
_INTERRUPTED = 130


@dataclass(frozen=True)
class Scope:
    """How much is run.

    Attributes:
        num_updates: Meta-updates of each training.
        num_cases: Test services; 0 for all.
        cap: Samples after which a search gives up.
    """

    num_updates: int = 1500
    num_cases: int = 0
    cap: int = 100


QUICK = Scope(num_updates=20, num_cases=2, cap=16)


def main(argv: Sequence[str] | None = None) -> int:
    """Trains and runs what is not yet done, writes the page and returns the exit code."""
    arguments = _parser().parse_args(argv)
    scope, folder = (QUICK if arguments.quick else Scope()), arguments.output
    store = Store(folder / f"runs-{scope.num_updates}.jsonl")
    try:
        # TensorFlow's start-up notes concern GPUs, are no news, and cannot be switched off.
        with silent_standard_error():
            set_up_tensorflow()
        for variant in VARIANTS:
            _run_missing(variant, scope, store, folder)
    except KeyboardInterrupt:
        print("maml_ablation: stopped; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    records = list(store.records())
    print(table_of(VARIANTS, records, scope.cap))
    print(f"maml_ablation: {write_page(records, scope.num_updates, scope.cap, folder)}")
    return 0


def _run_missing(variant: Variant, scope: Scope, store: Store, folder: Path) -> None:
    problems = problems_of(SUITE)
    setup = Setup(cap=scope.cap)
    keys = [Key(SUITE, c, variant.name, setup) for c in spread(list(problems), scope.num_cases)]
    done = {record.key for record in store.records()}
    missing = [key for key in keys if key not in done]
    if not missing:
        return
    with progress_bar(f"training {variant.training}", scope.num_updates) as on_update:
        weights = weights_of(variant, scope.num_updates, folder / "weights", on_update)
        on_update(scope.num_updates)
    with (
        Services(lambda library: chooser_of(variant, weights, library)) as services,
        store,
        progress_bar(variant.name, len(keys)) as on_search,
    ):
        method = Altered(variant.name, services, _SETTINGS)
        for number, key in enumerate(missing, len(keys) - len(missing) + 1):
            problem = problems[key.case]
            store.add(record_of(key, run_search(method, problem.case, setup, problem.training)))
            on_search(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.maml_ablation",
        description="Undoes each choice of the maml surrogate, one at a time, and counts the "
        f"samples to the best of 720 configurations: {len(TRAININGS)} meta-trainings, "
        f"{len(VARIANTS)} variants.",
        epilog="exit codes: 0 done; 2 wrong usage; 130 stopped by Ctrl-C, to be continued by the "
        "same command",
    )
    add = parser.add_argument
    add("--quick", action="store_true",
        help=f"{QUICK.num_updates} meta-updates, {QUICK.num_cases} services: shows that it runs, "
        "a minute")  # fmt: skip
    add("--output", type=Path, default=Path("runs/maml_ablation"),
        help="trained weights, finished runs and the page (default: %(default)s)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
