"""One search, one sample at a time, until the true optimum has been sampled or the cap is met."""

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Method, Sample, Setup

# Values within this share of the maximum are ties with it: they differ by rounding only.
TIE = 1e-9


@dataclass(frozen=True)
class Run:
    """A finished search.

    Attributes:
        samples: Indices of the sampled configurations in order, the given initial points first.
        best: True objective of the best sample so far as a share of the optimum, one a sample.
        cpu_seconds: CPU time of each suggestion, all threads of this process.
        wall_seconds: Wall time of each suggestion; both have no entry for a given point.
    """

    samples: tuple[int, ...]
    best: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    wall_seconds: tuple[float, ...]

    @property
    def is_solved(self) -> bool:
        """Whether the optimum has been sampled."""
        return self.best[-1] >= 1 - TIE


def run_search(method: Method, case: Case, setup: Setup, training: Sequence[Case] = ()) -> Run:
    """Runs a search to its end.

    A configuration that a method proposes again is measured and counted again.

    Args:
        method: Who proposes.
        case: What is searched; its values are the truth that decides when the optimum is found.
        setup: Terms of the search.
        training: Profiled cases of other services.

    Raises:
        ValueError: no configuration of the case runs, or the case has no points to start from.
    """
    top = float(case.values.max())
    if top <= 0:
        raise ValueError(f"A case must have a value above 0, but {case.name} has none.")
    if setup.start == "corners" and not case.initial_points:
        raise ValueError(f"start=corners needs initial points, but {case.name} has none.")
    given = case.initial_points if setup.start == "corners" else ()
    samples: list[Sample] = []
    best: list[float] = []
    cpu: list[float] = []
    wall: list[float] = []
    search = method.start(case, training, setup)
    while len(samples) < setup.cap and not (best and best[-1] >= 1 - TIE):
        if len(samples) < len(given):
            index = given[len(samples)]
        else:
            begun = time.process_time(), time.perf_counter()
            index = search.propose(tuple(samples))
            cpu.append(time.process_time() - begun[0])
            wall.append(time.perf_counter() - begun[1])
        samples.append(Sample(index, measure(case, index, setup)))
        best.append(max(best[-1] if best else 0.0, float(case.values[index]) / top))
    return Run(tuple(s.index for s in samples), tuple(best), tuple(cpu), tuple(wall))


def measure(case: Case, index: int, setup: Setup) -> float | None:
    """The objective as a trial would report it; None when the trial fails.

    The noise of a configuration depends on case, seed and configuration only, so that all methods
    see the same measurements, however often and in whatever order they ask.
    """
    truth = float(case.values[index])
    if truth <= 0:
        return None if setup.infeasible == "failed" else 0.0
    if setup.noise == 0:
        return truth
    source = np.random.default_rng([zlib.crc32(case.name.encode()), setup.seed, index])
    return truth * (1 + setup.noise * float(source.standard_normal()))
