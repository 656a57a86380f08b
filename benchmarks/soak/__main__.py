"""Command line: ``python -m benchmarks.soak``."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress

from benchmarks.soak.load import HEALTH_SECONDS, Watched, send, watching
from benchmarks.soak.workload import crowded, request
from benchmarks.suggestion_latency.service import running_service

# After the first tenth every kind of request has been answered, and what is kept is kept.
_WARM_SHARE = 0.1
_MAX_GROWTH = 1.25
# Two of the largest searches at once take half of it.
_MAX_MIB = 1000
# The benchmark sends nothing that deserves another answer.
_EXPECTED_CODES = {"OK", "INVALID_ARGUMENT"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the soak, prints what was seen and returns the exit code."""
    arguments = _parser().parse_args(argv)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with running_service(arguments.output / "service.log") as (process_id, port):
        with watching(process_id, port) as watched:
            begun = time.perf_counter()
            codes, seconds = _send_many(port, arguments.requests, arguments.clients)
            rate = len(seconds) / (time.perf_counter() - begun)
        with watching(process_id, port) as crowd_watched:
            makers = [partial(crowded, seed) for seed in range(arguments.clients)]
            crowd_codes, crowd_seconds = send(port, makers, arguments.clients, lambda: None)
    print(f"{rate:.1f} requests a second")
    print(_summary("mixed requests", codes, seconds, watched))
    print(_summary("1,000 trials each, at once", crowd_codes, crowd_seconds, crowd_watched))
    flaws = _flaws(codes + crowd_codes, [watched, crowd_watched])
    for flaw in flaws:
        print(f"soak: {flaw}", file=sys.stderr)
    return 1 if flaws else 0


def _send_many(port: int, count: int, num_clients: int) -> tuple[Counter[str], list[float]]:
    with Progress() as progress:
        task = progress.add_task("requests", total=count)
        makers = [partial(request, number) for number in range(count)]
        return send(port, makers, num_clients, lambda: progress.advance(task))


def _summary(name: str, codes: Counter[str], seconds: Sequence[float], watched: Watched) -> str:
    memory = np.array(watched.memory_mib or [np.nan])
    at = [memory[int(share * (len(memory) - 1))] for share in (_WARM_SHARE, 0.5, 1.0)]
    median, slow = np.quantile(seconds, [0.5, 0.99])
    return (
        f"{name}: {dict(codes)}; {median:.3f} s at the median, {slow:.3f} s p99, "
        f"{max(seconds):.3f} s at most; slowest of {len(watched.health_seconds)} health checks "
        f"{max(watched.health_seconds, default=0.0):.3f} s; memory after 10 %, half, all: "
        + ", ".join(f"{value:.0f}" for value in at)
        + f" MiB, at most {memory.max():.0f}"
    )


def _flaws(codes: Counter[str], watched: Sequence[Watched]) -> list[str]:
    flaws = []
    if unexpected := set(codes) - _EXPECTED_CODES:
        flaws.append(f"Codes must be OK or INVALID_ARGUMENT, but some were {unexpected}.")
    slowest = max(seconds for one in watched for seconds in one.health_seconds)
    if slowest > HEALTH_SECONDS:
        flaws.append(f"Health must answer in {HEALTH_SECONDS} s, but took {slowest}.")
    highest = max(mib for one in watched for mib in one.memory_mib)
    if highest > _MAX_MIB:
        flaws.append(f"Memory must stay below {_MAX_MIB} MiB, but reached {highest:.0f}.")
    memory = np.array(watched[0].memory_mib)
    fifth = max(1, len(memory) // 5)
    warm = float(np.median(memory[fifth // 2 : fifth // 2 + fifth]))
    end = float(np.median(memory[-fifth:]))
    if end > _MAX_GROWTH * warm:
        flaws.append(
            f"Memory at the end must be at most {_MAX_GROWTH} times that after the first tenth, "
            f"but was {end:.0f} MiB after {warm:.0f}."
        )
    return flaws


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Sends a suggestion service many requests of many Experiments and watches its "
        "memory and its health.",
        epilog="exit codes: 0 all well; 1 memory grew, health was late or a code was unexpected; "
        "2 wrong usage",
    )
    add = parser.add_argument
    add("--requests", type=int, default=10_000, help="default: %(default)s")
    add("--clients", type=int, default=10, help="default: %(default)s")
    add("--output", type=Path, default=Path("runs/soak"), help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
