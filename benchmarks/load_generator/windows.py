"""Measures the windows that the truth about a real server is made of."""

import json
import math
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.commands import run
from benchmarks.load_generator.own_methods import flags_of
from benchmarks.load_generator.results import Window
from benchmarks.load_generator.servers import Address
from benchmarks.load_generator.truth import ALLOWED_SHARE, crossing

SECONDS = 60.0
_PILOT_SECONDS = 10.0
# Multiples of the peak as far as it is known. Repeats take turns: half of them each.
_MULTIPLES = ((1.0, 0.93, 1.03), (0.97, 1.05, 0.9))
# No other measurement has such seeds.
_FIRST_SEED = 500_000
_PILOT_STEP, _STEP = 1.25, 0.1


def measure_windows(
    case: Case, address: Address, known: Sequence[Window], repeat: int
) -> Iterator[Window]:
    """Measures three windows around the peak.

    Args:
        case: The server.
        address: Where it runs.
        known: Earlier windows of the case, which say where the peak is.
        repeat: Number of the repeat.
    """
    centre = _centre(known) if known else _pilot(case, address)
    for number, multiple in enumerate(_MULTIPLES[repeat % 2]):
        seed = _FIRST_SEED + 10 * repeat + number
        yield _window(case, address, repeat, centre * multiple, SECONDS, seed)


def _centre(known: Sequence[Window]) -> float:
    rates = np.array([w.rate_rps for w in known])
    counts = np.array([w.num_requests for w in known], dtype=np.float64)
    late = np.array([w.num_violations for w in known], dtype=np.float64)
    peak = crossing(rates, counts, late, ALLOWED_SHARE)
    if not math.isnan(peak):
        return peak
    holds = late.sum() <= ALLOWED_SHARE * counts.sum()
    return float(rates.max() * (1 + _STEP) if holds else rates.min() * (1 - _STEP))


def _pilot(case: Case, address: Address) -> float:
    """Where to begin: a rising ladder of short windows, which count for nothing else."""
    rate = case.rough_rps / 4
    seed = _FIRST_SEED - 1
    while True:
        window = _window(case, address, 0, rate, _PILOT_SECONDS, seed)
        if window.num_violations > ALLOWED_SHARE * window.num_requests:
            return rate / math.sqrt(_PILOT_STEP)
        rate, seed = rate * _PILOT_STEP, seed - 1


def _window(
    case: Case, address: Address, repeat: int, rate: float, seconds: float, seed: int
) -> Window:
    program = [sys.executable, "-m", "benchmarks.load_generator.fixed_rate"]
    own = [f"--rate={rate!r}", f"--seconds={seconds:g}"]
    found = json.loads(run([*program, *flags_of(case, address, seed), *own]).text)
    return Window(
        case=case.name,
        repeat=repeat,
        rate_rps=rate,
        seconds=seconds,
        num_requests=found["num_requests"],
        num_violations=found["num_violations"],
        lag_p99_seconds=found["lag_p99_seconds"],
    )
