"""hey: a closed loop over workers, in Go. It has no search: of wrk's kind, and slower."""

import re
import shutil

from benchmarks.load_generator.bisection import Window
from benchmarks.load_generator.commands import run

_NUM = re.compile(r"\[200\]\s+(\d+) responses")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_P99 = re.compile(r"99% in ([\d.]+) secs")


def missing() -> str:
    """How to install it; empty when it is there."""
    return "" if shutil.which("hey") else "apt-get install hey"


def closed_loop(url: str, workers: int, seconds: int) -> Window:
    """Sends GETs from some workers without a pause.

    Raises:
        CommandError: it failed.
        ValueError: it printed something else than its table.
    """
    ran = run(["hey", "-cpus", "1", "-z", f"{seconds}s", "-c", f"{workers}", url])
    number, rate, p99 = (pattern.search(ran.text) for pattern in (_NUM, _RATE, _P99))
    if not (number and rate and p99):
        raise ValueError(f"hey must print its requests and latencies, but got {ran.text!r}.")
    return Window(
        holds=True,
        rate_rps=float(rate[1]),
        num_requests=int(number[1]),
        cpu_seconds=ran.cpu_seconds,
        seconds=ran.seconds,
        p99_ms=float(p99[1]) * 1000,
    )
