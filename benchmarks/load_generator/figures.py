"""Figures of a method on a server: how far off it is, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.load_generator.results import Measurement
from benchmarks.load_generator.truth import Truth


@dataclass(frozen=True)
class Figures:
    """Errors are shares of the true peak.

    Attributes:
        num_runs: Repeats.
        bias: Mean error.
        spread: Standard deviation of the error; NaN with one run.
        worst: The error that is farthest from 0.
        bias_error: Standard error of ``bias``, that of the truth included; NaN with one run.
        coverage: Share of runs whose interval holds the truth, give or take the truth's standard
            error; None without intervals.
        interval_width: Mean width of the intervals; None without.
        seconds: Mean duration.
        cpu_ms: CPU time of the client for a request, in milliseconds, over all runs.
    """

    num_runs: int
    bias: float
    spread: float
    worst: float
    bias_error: float
    coverage: float | None
    interval_width: float | None
    seconds: float
    cpu_ms: float


def figures_of(runs: Sequence[Measurement], truth: Truth) -> Figures:
    """Sums up the runs, at least one, of one method on one server."""
    errors = np.array([run.peak_rps / truth.peak_rps - 1 for run in runs])
    spread = float(errors.std(ddof=1)) if len(runs) > 1 else float("nan")
    truth_error = truth.error_rps / truth.peak_rps
    ends = [
        (run.low_rps, run.high_rps)
        for run in runs
        if run.low_rps is not None and run.high_rps is not None
    ]
    slack, peak = truth.error_rps, truth.peak_rps
    holds = [low - slack <= peak <= high + slack for low, high in ends]
    return Figures(
        num_runs=len(runs),
        bias=float(errors.mean()),
        spread=spread,
        worst=float(errors[np.abs(errors).argmax()]),
        bias_error=float(np.hypot(spread / np.sqrt(len(runs)), truth_error)),
        coverage=float(np.mean(holds)) if ends else None,
        interval_width=float(np.mean([h - low for low, h in ends])) / peak if ends else None,
        seconds=float(np.mean([run.seconds for run in runs])),
        cpu_ms=1000 * sum(r.cpu_seconds for r in runs) / max(1, sum(r.num_requests for r in runs)),
    )
