"""Completion and warping of profile tables."""

import numpy as np
import pytest

from suggestion.table_warping import completed, warp_tables

SHAPE, IS_ORDERED = (3, 4), (False, True)


def rates(num_tables: int = 5, seed: int = 0) -> np.ndarray:
    """Rank one in the logarithm: a service is a size and reacts to the configuration in kind."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=(num_tables, 1)) + rng.normal(size=(1, 12)))


def test_completion_keeps_what_is_known_and_finds_what_is_not():
    truth = rates(8)
    holes = truth.copy()
    holes[0, 3] = holes[5, 7] = 0
    tables = completed(holes)
    assert (tables.runs == (holes > 0)).all()
    assert tables.speed[tables.runs] == pytest.approx(np.log(truth)[tables.runs], abs=1e-5)
    assert np.exp(tables.speed[0, 3]) == pytest.approx(truth[0, 3], rel=0.15)


def test_a_single_table_is_completed_too():
    tables = completed(np.array([[1.0, 2.0, 0.0]]))
    assert np.isfinite(tables.speed).all()
    assert tables.runs.tolist() == [[True, True, False]]


def test_warping_starts_with_the_given_tables_and_is_seeded():
    given = completed(rates())
    first, second, other = (warp_tables(given, SHAPE, IS_ORDERED, 40, s) for s in (1, 1, 2))
    assert (first.speed[:5] == given.speed).all()
    assert (first.speed == second.speed).all()
    assert (first.speed[5:] != other.speed[5:]).any()
    assert first.speed.shape == first.runs.shape == (40, 12)


def test_warped_services_run_somewhere_and_resemble_their_kind():
    rng = np.random.default_rng(3)
    given = completed(np.where(rng.random((5, 12)) < 0.3, 0, rates()))
    warped = warp_tables(given, SHAPE, IS_ORDERED, 400, 0)
    assert warped.runs.any(axis=1).all()
    assert np.isfinite(warped.speed).all()
    likeness = [np.corrcoef(row, given.speed[0])[0, 1] for row in warped.speed[5:]]
    assert np.median(likeness) > 0.7
    assert len({tuple(row) for row in warped.runs.tolist()}) > 30


def test_fewer_than_given():
    assert len(warp_tables(completed(rates()), SHAPE, IS_ORDERED, 2, 0)) == 2
