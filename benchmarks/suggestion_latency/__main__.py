"""Command line: ``python -m benchmarks.suggestion_latency``."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.search_cost.methods.ours import SETTINGS
from benchmarks.suggestion_latency.katib_skopt import measure_katib_skopt
from benchmarks.suggestion_latency.measurement import table
from benchmarks.suggestion_latency.requests import NUM_TRIALS
from benchmarks.suggestion_latency.service import measure_service


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suggestion_latency", description="Times the suggestion service."
    )
    add = parser.add_argument
    add("--surrogates", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    add("--calls", type=int, default=200, help="calls to ours (default: %(default)s)")
    add("--large-calls", type=int, default=10, help="on the large space (default: %(default)s)")
    add("--skopt-calls", type=int, default=5, help="calls to Katib's; 0: none (%(default)s)")
    add("--core", type=int, default=max(os.sched_getaffinity(0)), help="core to measure on")
    add("--output", type=Path, default=Path("runs/suggestion_latency"), help="for the logs")
    arguments = parser.parse_args(argv)
    if (
        min(arguments.calls, arguments.large_calls) < 1
        or not 0 <= arguments.skopt_calls < NUM_TRIALS // 2
    ):
        parser.error(
            "--calls and --large-calls must be at least 1, "
            f"--skopt-calls 0 to {NUM_TRIALS // 2 - 1}"
        )
    arguments.output.mkdir(parents=True, exist_ok=True)
    measured = []
    for name in arguments.surrogates:
        log = arguments.output / f"{name}.log"
        found = measure_service(
            name,
            SETTINGS[name],
            num_calls=arguments.calls,
            num_large_calls=arguments.large_calls,
            core=arguments.core,
            log=log,
        )
        measured.append(found)
    if arguments.skopt_calls:
        measured.append(measure_katib_skopt(arguments.skopt_calls, arguments.core))
    print(table(measured))


if __name__ == "__main__":
    main()
