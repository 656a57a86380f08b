"""Command line of the offline work: what the suggestion service learns from before it ships."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from meta_training.build_library import NUM_SIMULATED, build_library
from meta_training.learning_curve import write_learning_curve
from meta_training.plan import BEST, LETTER, Plan
from meta_training.profile_table import (
    read_profile_tables,
    shipped_tables,
    write_profile_tables,
)
from meta_training.progress import progress_bar, silent_standard_error
from meta_training.service_grids import ServiceGrid, simulated_grids, table_grids
from meta_training.simulated_tables import simulated_tables
from meta_training.train import train
from suggestion.tensorflow_setup import set_up_tensorflow

WEIGHTS = "meta_weights.npz"
LIBRARY = "library.npz"
_NUM_PAPER, _NUM_PRODUCTION, _NUM_RANDOM = 8000, 800, 80

_EPILOG = """Ctrl-C stops; the same command then continues and gives the same result.

exit codes: 0 done; 1 the work failed; 2 wrong usage or a flaw in an input; 130 stopped by Ctrl-C"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except ValueError as error:
        print(f"meta-training: {error}", file=sys.stderr)
        return 2
    except (OSError, FloatingPointError) as error:
        print(f"meta-training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("meta-training: stopped; the same command continues.", file=sys.stderr)
        return 130
    return 0


def _train(arguments: argparse.Namespace) -> None:
    # Its start-up notes concern GPUs, are no news, and cannot be switched off.
    with silent_standard_error():
        set_up_tensorflow()
    plan = _plan(arguments)
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    grids = _grids(arguments.seed, arguments.tables)
    with progress_bar("meta-training", plan.num_updates) as on_update:
        checkpoint, losses = train(plan, grids, arguments.seed, folder, on_update)
    checkpoint.save(folder / WEIGHTS)
    write_learning_curve(losses, folder)
    print(folder / WEIGHTS)


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = LETTER if arguments.letter else BEST
    num_updates = arguments.updates or plan.num_updates
    return replace(plan, num_updates=num_updates, first_order=arguments.first_order)


def _grids(seed: int, tables: Sequence[Path]) -> list[ServiceGrid]:
    # Tables first: a flaw in them should be told at once.
    given = table_grids([table for path in tables for table in read_profile_tables(path)])
    rng = np.random.default_rng([seed, 2])
    with progress_bar("simulating services", 1) as done:
        grids = simulated_grids(rng, _NUM_PAPER, _NUM_PRODUCTION, _NUM_RANDOM)
        done(1)
    return [*grids, *given]


def _library(arguments: argparse.Namespace) -> None:
    shipped = [] if arguments.without_shipped_tables else shipped_tables()
    given = [table for path in arguments.tables for table in read_profile_tables(path)]
    # The matrices are small: several BLAS threads would wait for each other.
    with progress_bar("building the library", 1) as done, threadpool_limits(1, user_api="blas"):
        library = build_library(arguments.seed, [*shipped, *given], arguments.services)
        done(1)
    path: Path = arguments.output / LIBRARY
    library.save(path)
    print(path)


def _tables(arguments: argparse.Namespace) -> None:
    tables = simulated_tables(arguments.seed, arguments.services)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_profile_tables(arguments.output, tables)
    print(arguments.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="morphling-meta-training",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="meta-train the network of the maml surrogate")
    _add_common(train, _train, f"folder for {WEIGHTS} and the learning curve")
    _add_tables(train, "over the canonical knobs")
    train.add_argument("--updates", type=_positive, help=f"meta-updates ({BEST.num_updates})")
    train.add_argument(
        "--letter", action="store_true", help="the paper's algorithm to the letter, unimproved"
    )
    train.add_argument("--first-order", action="store_true", help="leave out second derivatives")
    library = commands.add_parser("library", help="build the library of prior services")
    _add_common(library, _library, f"folder for {LIBRARY}")
    _add_tables(library, "over any knobs")
    library.add_argument("--services", type=_count, default=NUM_SIMULATED, metavar="N",
                         help="simulated services (%(default)s)")  # fmt: skip
    library.add_argument("--without-shipped-tables", action="store_true",
                         help="leave out this package's tables of language models")  # fmt: skip
    tables = commands.add_parser("tables", help="write profile tables of simulated services")
    _add_common(tables, _tables, "file to write, .csv or .parquet")
    tables.add_argument("--services", type=_positive, default=10, metavar="N",
                        help="how many (%(default)s)")  # fmt: skip
    return parser


def _add_common(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None], output: str
) -> None:
    parser.set_defaults(run=run)
    parser.add_argument(
        "--seed", type=int, default=0, help="decides everything random (%(default)s)"
    )
    parser.add_argument("--output", type=Path, required=True, help=output)


def _add_tables(parser: argparse.ArgumentParser, knobs: str) -> None:
    parser.add_argument(
        "--tables",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help=f"profile tables of your own services {knobs}, CSV or Parquet",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, but is {number}")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, but is {number}")
    return number
