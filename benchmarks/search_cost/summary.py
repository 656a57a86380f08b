"""Figures of a method over many runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.results import Record

Array = NDArray[np.float64]

SHARES = (1.0, 0.99, 0.95, 0.9)
BUDGETS = (5, 10, 20, 30, 60)


@dataclass(frozen=True)
class Spread:
    """Median, 90th percentile and maximum of samples; infinite beyond the cap."""

    median: float
    p90: float
    maximum: float


@dataclass(frozen=True)
class Summary:
    """One line of a table.

    Attributes:
        method: Name.
        num_runs: How many runs there are.
        num_unsolved: Runs that did not find the optimum within the cap.
        samples: Spread of the samples to each of ``SHARES``.
        best: Mean best share of the optimum after 1 to ``cap`` samples, shape ``[cap]``.
        milliseconds: CPU time of a suggestion (wall time for ``vizier``, another process): mean of
            a run, median over runs, so that the few runs that start something do not count.
    """

    method: str
    num_runs: int
    num_unsolved: int
    samples: tuple[Spread, ...]
    best: Array
    milliseconds: float


def summarise(method: str, records: Sequence[Record], cap: int) -> Summary:
    """Summarises the runs of one method as if all had ended at ``cap`` samples."""
    hits = np.array([[r.samples_to(share, cap) for r in records] for share in SHARES])
    seconds = [
        (record.wall_seconds if method == "vizier" else record.cpu_seconds)
        / max(1, record.num_suggestions)
        for record in records
    ]
    return Summary(
        method=method,
        num_runs=len(records),
        num_unsolved=int(np.isinf(hits[0]).sum()),
        samples=tuple(
            Spread(quantile(row, 0.5), quantile(row, 0.9), float(row.max())) for row in hits
        ),
        best=np.mean([record.best_so_far(cap) for record in records], axis=0),
        milliseconds=1000 * float(np.median(seconds)),
    )


def quantile(values: Array, share: float) -> float:
    """Quantile with linear interpolation; infinite once it leans on an infinite value."""
    ordered = np.sort(values)
    position = share * (len(ordered) - 1)
    low, high = int(np.floor(position)), int(np.ceil(position))
    if np.isinf(ordered[high]):
        return float(ordered[low]) if position == low else np.inf
    return float(ordered[low] + (position - low) * (ordered[high] - ordered[low]))


def smallest_lead(ours: Summary, other: Summary) -> tuple[float, int]:
    """The smallest lead in mean best share over 5 to 60 samples, and after how many it is met."""
    first, last = BUDGETS[0], min(BUDGETS[-1], len(ours.best), len(other.best))
    leads = (ours.best - other.best)[first - 1 : last]
    return float(leads.min()), first + int(leads.argmin())
