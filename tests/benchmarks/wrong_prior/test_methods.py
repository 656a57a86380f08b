import numpy as np
import pytest

from benchmarks.wrong_prior.functions import smooth_case
from benchmarks.wrong_prior.methods import without_sceptic
from suggestion import katib
from suggestion.evidence import evidence_of
from suggestion.library import SHIPPED, Library
from suggestion.surrogate_choice import SurrogateChooser
from suggestion.trial import Trial, TrialState


@pytest.fixture(scope="module")
def case():
    return smooth_case(0)


@pytest.fixture(scope="module")
def search(case):
    experiment = katib.experiment_from_proto(case.experiment({"surrogate": "library"}, 100))
    chooser = SurrogateChooser(Library.load(SHIPPED))
    return chooser.choose(
        experiment.space, experiment.objective, experiment.settings, 0, 100
    ).search


def test_only_the_sceptic_is_missing(case, search):
    trials = [
        Trial(f"t{n}", case.assignments[i], TrialState.MEASURED, case.values[i], f"{n}")
        for n, i in enumerate((0, 100, 300, 500, 700))
    ]
    experiment = katib.experiment_from_proto(case.experiment({}, 100))
    evidence = evidence_of(search.space, trials, experiment.objective.direction)
    points = list(search.space.enumerate())
    whole, alone = (
        s.surrogate.predict(evidence, points) for s in (search, without_sceptic(search))
    )
    assert len(whole.weights) == len(alone.weights) + 1
    assert whole.means[:-1] == pytest.approx(alone.means)
    assert whole.weights[:-1] / whole.weights[:-1].sum() == pytest.approx(alone.weights)
    assert 0 < whole.weights[-1] < 1
    assert np.isclose(alone.weights.sum(), 1)
