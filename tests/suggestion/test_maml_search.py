"""The maml surrogate on a search space, with the weights that ship."""

import numpy as np
import pytest

from suggestion.checkpoint import META_WEIGHTS
from suggestion.designer import suggest
from suggestion.evidence import Evidence, evidence_of
from suggestion.gaussian_process import GaussianProcess
from suggestion.maml import MamlSurrogate
from suggestion.maml_search import MamlSearch
from suggestion.settings import Settings
from suggestion.surrogate_choice import SurrogateChooser
from suggestion.trial import Direction, Objective, Trial, TrialState
from tests.suggestion.libraries import SERVING_SPACE, simulated

pytest.importorskip("tensorflow")

KNOBS = {name: name for name in ("cpu_cores", "gpu_memory_percent", "batch_size", "gpu_type")}
POINTS = SERVING_SPACE.enumerate()


@pytest.fixture(scope="module")
def search() -> MamlSearch:
    network = MamlSurrogate.load(META_WEIGHTS)
    return MamlSearch(SERVING_SPACE, KNOBS, lambda: network, GaussianProcess(SERVING_SPACE))


def evidence(values: list[float]) -> Evidence:
    measured = tuple(POINTS[i * 7] for i in range(len(values)))
    return Evidence(measured, np.array(values), (), ())


def test_the_posterior_has_a_component_a_member(search: MamlSearch):
    posterior = search.predict(evidence([10.0, 20.0, 15.0]), POINTS)
    assert posterior.means.shape == (3, len(POINTS))
    assert posterior.confidence is not None
    assert posterior.confidence.shape == posterior.means.shape
    assert (posterior.confidence >= 0).all()
    assert (posterior.sigma > 0).all()
    assert posterior.best == pytest.approx(np.log(20.0), abs=0.5)


def test_a_believed_point_shrinks_the_spread_around_it(search: MamlSearch):
    before = search.predict(evidence([10.0, 20.0, 15.0]), POINTS)
    after = before.believing(0)
    spreads = [(b.variance, a.variance) for b, a in zip(before.spreads, after.spreads, strict=True)]
    for old, new in spreads:
        assert new[0] < 1e-6
        assert (new <= old).all()
        assert new[-1] > 0.8 * old[-1]  # the far corner hardly notices


def test_values_of_any_size_and_sign_are_taken(search: MamlSearch):
    for values in ([-5.0, -1.0], [1e-200, 1e-190], [1e140, 3.0], [7.0, 7.0]):
        assert np.isfinite(search.predict(evidence(values), POINTS).means).all()


def test_a_whole_search_begins_with_the_corners_and_then_climbs():
    chooser = SurrogateChooser(simulated(50))
    objective = Objective("rps", Direction.MAXIMIZE)
    choice = chooser.choose(SERVING_SPACE, objective, Settings(surrogate="maml"), 1, 20)
    assert (choice.search.name, choice.search.acquisition) == ("maml", "confidence_delta")
    trials: list[Trial] = []
    best = 0.0
    for number in range(14):
        found = suggest(
            choice.search, evidence_of(choice.search.space, trials, Direction.MAXIMIZE), 1
        )
        assert found.source == ("initial" if number < 8 else "maml")
        (assignments,) = found.assignments
        cores, batch = int(assignments["cpu_cores"]), int(assignments["batch_size"])
        rate = min(100.0 * cores, 300.0 * batch / (batch + 8)) * (1 - batch / 200)
        best = max(best, rate)
        completed = f"2026-01-01T00:{number:02d}:00Z"
        trials.append(Trial(f"t{number}", assignments, TrialState.MEASURED, rate, completed))
    assert best > 0.95 * 300 * 64 / 72 * (1 - 64 / 200)
