"""The library surrogate: its formulas on small cases, and what it must do on whole searches."""

import numpy as np
import pytest

from suggestion.evidence import Evidence
from suggestion.gaussian_process import GaussianProcess
from suggestion.knobs import recognise
from suggestion.library import Library
from suggestion.library_surrogate import LibrarySurrogate, tempered
from suggestion.particles import particles_for
from suggestion.search_space import SearchSpace
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import SERVING_SPACE, simulated, space, table, tabled

ENGINES = space(
    parameter("backend", "CATEGORICAL", values=["a", "b", "c", "d"]),
    parameter("max_batch", "DISCRETE", values=["1", "2", "4", "8", "16"]),
)


def surrogate(library: Library, searched: SearchSpace) -> LibrarySurrogate:
    knobs = recognise([p.name for p in searched.parameters], {})
    particles = particles_for(library, searched, knobs, None, "rate")
    assert particles is not None
    return LibrarySurrogate(particles)


def evidence(
    measured: dict[tuple[float, ...], float], infeasible: tuple[tuple[float, ...], ...] = ()
) -> Evidence:
    return Evidence(tuple(measured), np.array(list(measured.values())), infeasible, ())


def test_tempering_keeps_enough_particles():
    weights, temperature = tempered(np.array([0.0, -1e4, *[-2e4] * 98]))
    assert 1 / (weights**2).sum() >= 10
    assert temperature > 1000
    assert weights.argmax() == 0


def test_equal_weights_are_left_alone():
    weights, temperature = tempered(np.zeros(50))
    assert temperature == 1
    assert weights == pytest.approx(1 / 50)


def test_the_first_point_is_the_best_on_average():
    promise = surrogate(tabled(), ENGINES).promise(evidence({}), ENGINES.enumerate())
    assert promise is not None
    best = ENGINES.assignments_of(ENGINES.enumerate()[int(promise.argmax())])
    assert best["max_batch"] in ("4", "8")  # services agree about batches, 8 may be too large
    assert best["backend"] in ("a", "b", "c")  # and none favours the fourth engine


def test_a_pending_point_lowers_the_promise_of_its_like():
    model = surrogate(tabled(), ENGINES)
    points = ENGINES.enumerate()
    alone = model.promise(evidence({}), points)
    assert alone is not None
    first = int(alone.argmax())
    held = model.promise(evidence({}).with_pending([points[first]]), points)
    assert held is not None
    assert held[first] == 0
    assert points[int(held.argmax())][0] != points[first][0]  # another engine


def test_failures_before_any_value_move_the_opening():
    model = surrogate(tabled(), ENGINES)
    points = ENGINES.enumerate()
    failed = tuple(point for point in points if point[1] == 3.0)
    promise = model.promise(evidence({}, failed), points)
    assert promise is not None
    assert points[int(promise.argmax())][1] < 3.0


def test_it_recognises_a_service_by_three_trials():
    # A service like those that favour engine b, at another scale: three trials tell.
    truth = table("new", 0.37, 1).rps
    measured = {(0.0, 3.0): truth[0, 3], (1.0, 3.0): truth[1, 3], (2.0, 1.0): truth[2, 1]}
    points = ENGINES.enumerate()
    posterior = surrogate(tabled(), ENGINES).predict(evidence(measured), points)
    expected = (truth.ravel() / max(measured.values())) ** 0.3
    runs = truth.ravel() > 0
    assert posterior.mean[runs] == pytest.approx(expected[runs], abs=0.08)
    assert posterior.weights.sum() == pytest.approx(1)
    assert (posterior.best == 1).all()


def test_where_it_runs_is_a_vote_that_the_trials_correct():
    points = ENGINES.enumerate()
    measured = {(0.0, 3.0): 5.0, (1.0, 2.0): 4.0}
    model = surrogate(tabled(), ENGINES)
    before = model.predict(evidence(measured), points).feasible
    large = points.index((0.0, 4.0))
    assert before[large] < 0.5 < before[points.index((0.0, 2.0))]
    after = model.predict(evidence({**measured, (1.0, 4.0): 6.0}), points).feasible
    assert after[large] > before[large] + 0.2


def test_the_sceptic_takes_over_where_no_service_is_alike():
    # Small batches best and the fourth engine too: the opposite of everything in the library.
    def value(point: tuple[float, ...]) -> float:
        return 100.0 * (1 + point[0]) ** 2 * 0.3 ** point[1]

    points = ENGINES.enumerate()
    known = points[::2]
    posterior = surrogate(tabled(), ENGINES).predict(evidence({p: value(p) for p in known}), points)
    assert posterior.weights[-1] > 0.9
    rest = points[1::2]
    predicted = posterior.mean[1::2]
    actual = np.array([value(p) for p in rest])
    assert np.corrcoef(predicted, actual**0.3)[0, 1] > 0.9


def test_the_sceptic_keeps_quiet_where_the_library_is_right():
    model = surrogate(simulated(), SERVING_SPACE)
    points = SERVING_SPACE.enumerate()
    truth = model.particles.surfaces(points, np.array([7]))[0] ** (1 / 0.3)
    known = [points[i] for i in np.flatnonzero(truth > 0)[::15]]
    values = {p: float(truth[points.index(p)]) for p in known}
    posterior = model.predict(evidence(values), points)
    assert posterior.weights[-1] < 0.3
    assert truth[int(np.where(posterior.feasible > 0.5, posterior.mean, 0).argmax())] > 0.9


def test_equal_values_and_single_trials_are_no_trouble():
    model = surrogate(simulated(), SERVING_SPACE)
    points = SERVING_SPACE.enumerate()
    for measured in ({points[3]: 1.0}, dict.fromkeys(points[:6], 2.0), {points[0]: 1e-9}):
        posterior = model.predict(evidence(measured), points)
        assert np.isfinite(posterior.mean).all()
        assert (posterior.sigma > 0).all()


def test_values_below_0_are_no_rates():
    model = surrogate(simulated(), SERVING_SPACE)
    points = SERVING_SPACE.enumerate()
    latencies = evidence({points[i]: -1.0 - i % 7 for i in range(0, 100, 9)})
    found = model.predict(latencies, points)
    expected = GaussianProcess(SERVING_SPACE).predict(latencies, points)
    assert found.means == pytest.approx(expected.means)


def test_more_trials_than_it_takes_are_thinned():
    model = surrogate(simulated(), SERVING_SPACE)
    points = SERVING_SPACE.enumerate()
    rng = np.random.default_rng(0)
    chosen = tuple(points[i] for i in rng.integers(len(points), size=700))
    many = Evidence(chosen, rng.lognormal(3, 1, 700), (), ())
    assert np.isfinite(model.predict(many, points).mean).all()
    assert (model.predict(many, points).mean == model.predict(many.thinned(300), points).mean).all()
