"""What a search method is here, and how one is run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.drop_in.problem import Assignments, Instance


@dataclass(frozen=True)
class Finished:
    """A finished trial: its assignments and its objective, to be minimised."""

    assignments: Assignments
    value: float


class Search(Protocol):
    """One search in progress."""

    def propose(self, trials: Sequence[Finished], count: int) -> list[Assignments]:
        """The next configurations.

        Args:
            trials: All finished trials in order.
            count: How many configurations to propose.
        """
        ...


class Method(Protocol):
    """Starts searches."""

    def start(self, instance: Instance, seed: int, budget: int) -> Search:
        """Begins a search of at most ``budget`` trials."""
        ...


@dataclass(frozen=True)
class Run:
    """A finished search.

    Attributes:
        regrets: Smallest regret after 1, 2, ... trials, over that of a random configuration.
        cpu_seconds: CPU time of all proposals together.
        num_proposals: How many configurations were proposed.
    """

    regrets: tuple[float, ...]
    cpu_seconds: float
    num_proposals: int


def run_search(method: Method, instance: Instance, seed: int, budget: int, parallel: int) -> Run:
    """Runs one search to the end of its budget.

    Args:
        method: What searches.
        instance: What is searched.
        seed: Of the method.
        budget: Number of trials, a multiple of ``parallel``.
        parallel: Configurations proposed at a time; all of them end before the next are proposed.
    """
    search = method.start(instance, seed, budget)
    trials: list[Finished] = []
    seconds = 0.0
    while len(trials) < budget:
        begun = time.process_time()
        proposed = search.propose(trials, parallel)
        seconds += time.process_time() - begun
        if len(proposed) != parallel:
            raise RuntimeError(f"{parallel} proposals must be made, but got {len(proposed)}.")
        trials += [Finished(assignments, instance.value(assignments)) for assignments in proposed]
    regrets, best = [], float("inf")
    for trial in trials:
        best = min(best, trial.value)
        regrets.append(max(0.0, best - instance.optimum) / instance.typical_regret)
    return Run(tuple(regrets), seconds, len(trials))
