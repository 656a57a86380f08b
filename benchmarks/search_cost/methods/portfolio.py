"""The best fixed list: what a platform team would write down after profiling other services."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Sample, Setup

Array = NDArray[np.float64]


def greedy_order(shares: Array) -> list[int]:
    """Orders configurations so that the best of any beginning of the list is good on average.

    Each next one maximises the mean over services of the best share so far. Once nothing is gained
    any more, the others follow by their mean.

    Args:
        shares: Objective as a share of the service's optimum, shape ``[services, N]``.
    """
    best = np.zeros(len(shares))
    order: list[int] = []
    is_left = np.ones(shares.shape[1], dtype=np.bool_)
    while is_left.any():
        gained = np.maximum(shares, best[:, None]).mean(axis=0)
        index = int(np.where(is_left, gained, -1.0).argmax())
        if gained[index] <= best.mean():
            rest = np.flatnonzero(is_left)
            by_mean = np.argsort(-shares.mean(axis=0)[rest], kind="stable")
            return order + [int(index) for index in rest[by_mean]]
        order.append(index)
        is_left[index] = False
        best = np.maximum(best, shares[:, index])
    return order


class PortfolioSearch:
    """Walks down the list."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = order

    def propose(self, samples: Sequence[Sample]) -> int:
        taken = {sample.index for sample in samples}
        return next(index for index in self._order if index not in taken)


class Portfolio:
    """Greedy static portfolio of the training cases."""

    name = "portfolio"

    def __init__(self) -> None:
        self._orders: dict[tuple[str, ...], list[int]] = {}

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> PortfolioSearch:  # noqa: ARG002
        if not training:
            raise ValueError(f"A portfolio needs training cases, but {case.name} has none.")
        key = tuple(other.name for other in training)
        if key not in self._orders:
            self._orders[key] = greedy_order(shares_of(training))
        return PortfolioSearch(self._orders[key])


def shares_of(cases: Sequence[Case]) -> Array:
    """Objectives as shares of each case's optimum, shape ``[cases, N]``."""
    return np.stack([case.values / case.values.max() for case in cases])
