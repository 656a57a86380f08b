"""Bounds, clustering and the fitted root against known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from load_generator.capacity import Capacity, pooled
from load_generator.root_fit import Expectation, Tally, fit_root
from load_generator.statistics import design_effect, wilson_lower

# Knows nothing of the SLO, and so expects nothing.
NOTHING = Expectation(Capacity(200.0, 0.0), math.inf, 0.01, 1.0, 1)
# A fixed service time; C t = 40.
REGULAR = Expectation(Capacity(100.0, 0.0), 0.4, 0.01, 0.5, 1)


def test_wilson_against_published_values():
    # Newcombe (1998), table I: 15 of 148 gives (0.0624, 0.1605); 81 of 263 gives (0.2553, 0.3662).
    assert wilson_lower(15, 148, 1.959964) == pytest.approx(0.0624, abs=5e-5)
    assert wilson_lower(81, 263, 1.959964) == pytest.approx(0.2553, abs=5e-5)
    assert wilson_lower(0, 20, 1.96) == 0.0
    assert wilson_lower(0, 0, 1.96) == 0.0


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([], 1.0),
        ([5], 1.0),
        ([5, 100, 300], 1.0),
        ([5, 6, 7, 8], 4.0),
        ([5, 6, 7, 300], (9 + 1) / 4),
        ([5, 15, 25], 3.0),  # gaps of ten belong to one episode
        ([5, 16], 1.0),
    ],
)
def test_design_effect_of_episodes(positions: list[int], expected: float):
    is_violation = np.zeros(500, dtype=np.bool_)
    is_violation[positions] = True
    assert design_effect(is_violation) == pytest.approx(expected)


def test_root_lies_between_a_clean_and_a_bad_probe():
    tallies = [Tally(100, 5000, 2, 1.0), Tally(120, 5000, 500, 1.0)]
    root = fit_root(tallies, 90, 130, NOTHING)
    assert 100 < root.low_rps <= root.rate_rps <= root.high_rps < 120


def test_more_requests_narrow_the_interval():
    widths = [
        fit_root(
            [Tally(100, n, round(0.006 * n), 1.0), Tally(104, n, round(0.015 * n), 1.0)],
            80, 125, NOTHING,
        ).relative_width
        for n in (500, 5000, 50_000)
    ]  # fmt: skip
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] < 0.03


def test_clustering_widens_the_interval():
    widths = [
        fit_root([Tally(100, 5000, 50, effect), Tally(110, 5000, 150, effect)], 80, 125, NOTHING)
        for effect in (1.0, 20.0)
    ]
    assert widths[1].relative_width > 2 * widths[0].relative_width


@given(
    rates=st.lists(st.floats(50, 200), min_size=1, max_size=8),
    share=st.floats(0, 1),
    effect=st.floats(1, 50),
)
def test_root_never_leaves_its_bracket(rates: list[float], share: float, effect: float):
    tallies = [Tally(rate, 400, round(400 * share), effect) for rate in rates]
    root = fit_root(tallies, 60, 150, NOTHING)
    edge = 1 + 1e-9
    assert 60 / edge <= root.low_rps <= root.rate_rps <= root.high_rps <= 150 * edge


def test_few_requests_leave_the_root_where_queues_have_it():
    # The root is expected at 1 - 1.2 * 0.5 * ln(100) / 40 = 0.93 C.
    silence = [Tally(80, 100, 0, 1.0), Tally(100, 100, 0, 1.0)]
    expected = fit_root(silence, 70, 103, REGULAR)
    assert expected.rate_rps == pytest.approx(93, abs=2)
    assert fit_root(silence, 70, 103, NOTHING).rate_rps > 95


@pytest.mark.parametrize("slots", [4, 16, 64])
def test_of_many_slots_one_is_soon_free(slots: int):
    # Exponential service of a second, waits of up to 0.5 s: by Erlang's formula for the share that
    # waits, and the exponential distribution of waits, the root lies here; that of four slots is
    # below all rates that are looked at.
    rate = brentq(lambda r: _late_share(r, slots, 0.5) - 0.01, 0.01 * slots, 0.999 * slots)
    expectation = Expectation(Capacity(slots, 0.0), 0.5, 0.01, 1.0, slots)
    assert slots * (1 - expectation.gap) == pytest.approx(max(rate, 0.2 * slots), rel=1e-6)


def _late_share(rate: float, slots: int, seconds: float) -> float:
    """Of requests that wait longer, in a queue with exponential service times of mean 1."""
    blocked = 1.0
    for servers in range(1, slots + 1):  # Erlang B by recursion
        blocked = rate * blocked / (servers + rate * blocked)
    waiting = blocked / (1 - rate / slots * (1 - blocked))  # Erlang C
    return waiting * math.exp(-(slots - rate) * seconds)


def test_late_requests_come_in_longer_episodes_nearer_to_the_capacity():
    # At half the capacity a wait as long as the SLO; near it 2 K / (C gap^2), here 11.1 s; at it,
    # where that has no end, C t^2 / (2 K), here 16 s.
    assert REGULAR.episode_requests(50) == pytest.approx(50 * 0.4)
    assert REGULAR.episode_requests(97) == pytest.approx(97 * 11.11, rel=1e-3)
    assert REGULAR.episode_requests(100) == pytest.approx(100 * 16)
    assert NOTHING.episode_requests(100) == 1.0


def test_silence_near_the_capacity_says_little():
    # Two windows without a late request, equally long: the one nearer to the capacity is less than
    # an episode, and may have been luck.
    far, near = (
        fit_root([Tally(rate, 2000, 0, 1.0)], 60, 103, REGULAR).rate_rps for rate in (92.0, 99.0)
    )
    assert near - far < 2


def test_an_episode_far_above_the_root_makes_others_no_longer():
    silence = Tally(92, 20_000, 0, 1.0)
    alone = fit_root([silence], 60, 103, REGULAR)
    with_bad = fit_root([silence, Tally(103, 500, 400, 400.0)], 60, 103, REGULAR)
    assert with_bad.low_rps == pytest.approx(alone.low_rps, rel=0.01)


def test_many_violations_outvote_what_is_expected():
    tallies = [Tally(55, 20_000, 20, 1.0), Tally(65, 20_000, 2000, 1.0)]
    root = fit_root(tallies, 50, 103, REGULAR)
    assert 55 < root.rate_rps < 64


def test_an_uncertain_capacity_lets_a_few_violations_speak():
    tallies = [Tally(70, 4000, 4, 1.0), Tally(80, 4000, 160, 1.0)]
    doubtful = replace(REGULAR, capacity=Capacity(100.0, 0.15))
    certain, doubted = (fit_root(tallies, 60, 103, one) for one in (REGULAR, doubtful))
    unbiased = fit_root(tallies, 60, 103, NOTHING)
    assert abs(doubted.rate_rps - unbiased.rate_rps) < abs(certain.rate_rps - unbiased.rate_rps)


def test_capacities_that_are_the_same_up_to_their_errors_are_averaged():
    measured = [Capacity(50.0, 0.01), Capacity(98.0, 0.02), Capacity(102.0, 0.02)]
    capacity = pooled(measured)
    assert capacity.rate_rps == pytest.approx(100.0)
    assert capacity.error == pytest.approx(0.02 / math.sqrt(2))


def test_a_lower_rate_that_is_known_well_does_not_outweigh_several_higher_ones():
    measured = [Capacity(50.0, 0.0), Capacity(60.0, 0.1), Capacity(60.0, 0.1), Capacity(60.0, 0.1)]
    assert pooled(measured).rate_rps == pytest.approx(60.0)


def test_a_capacity_that_is_surely_lower_does_not_count():
    assert pooled([Capacity(95.0, 0.001), Capacity(100.0, 0.001)]).rate_rps == pytest.approx(100.0)
