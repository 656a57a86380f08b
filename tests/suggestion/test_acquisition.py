"""Acquisition functions against answers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from suggestion.acquisition import (
    confidence_delta,
    expected_improvement,
    upper_confidence_bound,
)
from suggestion.posterior import Posterior


class Fixed:
    """A spread that nothing changes."""

    def __init__(self, sigma: list[float]) -> None:
        self.variance = np.array(sigma) ** 2

    def believing(self, index: int) -> "Fixed":
        return self


ONE = Posterior(
    means=np.array([[1.0, 0.0, -9.0]]),
    weights=np.ones(1),
    spreads=(Fixed([1.0, 2.0, 0.1]),),
    spread_of=np.array([0]),
    runs=np.ones((1, 3), dtype=np.bool_),
    feasible=np.ones(3),
    best=np.zeros(1),
)
# At u = 1: Phi(1) + phi(1); at u = 0: 2 phi(0).
BY_HAND = np.array([0.8413447461 + 0.2419707245, 2 * 0.3989422804, 0.0])


def test_expected_improvement_by_hand():
    assert expected_improvement(ONE) == pytest.approx(BY_HAND)


def test_upper_confidence_bound_by_hand():
    assert upper_confidence_bound(ONE, 2.0) == pytest.approx([11.8, 12.8, 0.0])


def test_improvement_counts_only_where_it_runs():
    half = replace(ONE, feasible=np.array([0.5, 1.0, 1.0]))
    assert expected_improvement(half) == pytest.approx(BY_HAND * [0.5, 1, 1])
    assert upper_confidence_bound(half, 2.0) == pytest.approx([5.9, 12.8, 0.0])


def test_a_mixture_averages_its_components():
    two = replace(
        ONE,
        means=np.array([[1.0, 0.0, -9.0], [1.0, 0.0, -9.0]]),
        weights=np.array([0.75, 0.25]),
        spread_of=np.array([0, 0]),
        runs=np.array([[True, True, True], [False, True, True]]),
        best=np.zeros(2),
    )
    assert expected_improvement(two) == pytest.approx(BY_HAND * [0.75, 1, 1])


def test_sigma_adds_the_spread_between_components():
    two = replace(
        ONE,
        means=np.array([[1.0, 0.0, -9.0], [3.0, 0.0, -9.0]]),
        weights=np.array([0.5, 0.5]),
        spreads=(Fixed([1.0, 1.0, 1.0]), Fixed([2.0, 1.0, 1.0])),
        spread_of=np.array([0, 1]),
        runs=np.ones((2, 3), dtype=np.bool_),
        best=np.zeros(2),
    )
    # Within: (1 + 4) / 2; between: 1.
    assert two.mean == pytest.approx([2.0, 0.0, -9.0])
    assert two.sigma == pytest.approx([3.5**0.5, 1.0, 1.0])


def test_confidence_delta_adds_the_weighted_confidence_to_the_mean():
    sure = replace(ONE, means=ONE.means - 0.5, confidence=np.array([[1.0, 1.0, 1.0]]))
    assert confidence_delta(sure, 0.5) == pytest.approx(BY_HAND)


def test_confidence_delta_needs_a_confidence():
    with pytest.raises(ValueError, match="must have a posterior with a confidence"):
        confidence_delta(ONE, 0.5)


def test_each_component_believes_its_own_mean():
    two = replace(
        ONE,
        means=np.array([[1.0, 0.0, -9.0], [3.0, 0.0, -9.0]]),
        weights=np.array([0.5, 0.5]),
        spread_of=np.array([0, 0]),
        runs=np.ones((2, 3), dtype=np.bool_),
        best=np.zeros(2),
    )
    assert two.believing(0).best.tolist() == [1.0, 3.0]
    assert two.believing(2).best.tolist() == [0.0, 0.0]
