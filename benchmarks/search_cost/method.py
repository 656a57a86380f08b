"""What a search method is: it sees the finished samples and proposes the next configuration.

Every method gets the same: the case's parameters (never its values), the samples in their order
and, where it can use them, the cases of other services that were profiled before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from benchmarks.search_cost.case import Case

Infeasible = Literal["failed", "zero"]
Start = Literal["none", "corners"]


@dataclass(frozen=True)
class Sample:
    """One finished trial.

    Attributes:
        index: Position of the configuration in the case.
        value: Measured objective, noise included; None when the trial failed.
    """

    index: int
    value: float | None


@dataclass(frozen=True)
class Setup:
    """Terms of a search.

    Attributes:
        seed: Of the method's randomness and of the measurement noise.
        cap: Samples after which an unsuccessful search ends.
        noise: Standard deviation of the multiplicative measurement noise, 0 for none.
        infeasible: Whether a configuration that does not run is a failed trial or measures 0.
        start: Whether the case's fixed initial points are sampled before the method has a say.
    """

    seed: int = 0
    cap: int = 100
    noise: float = 0.0
    infeasible: Infeasible = "failed"
    start: Start = "none"

    def __post_init__(self) -> None:
        if self.cap < 1 or not 0 <= self.noise < 0.3:
            raise ValueError(
                f"cap >= 1 and 0 <= noise < 0.3 must hold, but got {self.cap}, {self.noise}."
            )


class Search(Protocol):
    """One search in progress."""

    def propose(self, samples: Sequence[Sample]) -> int:
        """Index of the next configuration.

        Args:
            samples: All finished samples in order; each call has at least one more than the last.
        """
        ...


class Method(Protocol):
    """Starts searches."""

    @property
    def name(self) -> str: ...

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> Search:
        """Begins a search.

        Args:
            case: What to search; ``case.values`` are none of the method's business.
            training: Fully profiled cases of other services on the same grid, possibly none.
            setup: Terms of the search.
        """
        ...


def unsampled(case: Case, samples: Sequence[Sample]) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Indices of the configurations that have no sample yet."""
    is_left = np.ones(len(case.values), dtype=np.bool_)
    is_left[[sample.index for sample in samples]] = False
    return np.flatnonzero(is_left)


def is_ordered(case: Case, name: str) -> bool:
    """Whether a knob's values are numbers, so that their order means something."""
    if case.kinds[name] == "categorical":
        return False
    try:
        return bool([float(text) for text in case.parameters[name]])
    except ValueError:
        return False
