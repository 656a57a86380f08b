from dataclasses import replace

import numpy as np
import pytest

from benchmarks.maml_ablation import variants
from benchmarks.maml_ablation.linear_targets import LinearMamlSurrogate
from benchmarks.maml_ablation.trainings import TRAININGS, one_member
from benchmarks.maml_ablation.variants import (
    BASE,
    LETTER,
    SHIPPED,
    VARIANTS,
    WIDENING,
    Optimistic,
    Variant,
    chooser_of,
    weights_of,
)
from suggestion import katib, maml
from suggestion.checkpoint import META_WEIGHTS, Checkpoint
from suggestion.designer import suggest
from suggestion.evidence import evidence_of
from suggestion.library import FIELDS, Library
from suggestion.posterior import Posterior, Shrinking
from suggestion.trial import Trial, TrialState
from tests.benchmarks.search_cost.cases import bump

SETTINGS = {"surrogate": "maml", "acquisition": "confidence_delta", "initial_points": "none"}
EMPTY = Library(np.zeros((0, len(FIELDS)), dtype=np.float32), ())


def choose(variant, weights=META_WEIGHTS):
    experiment = katib.experiment_from_proto(bump(10).experiment(SETTINGS, 24))
    chooser = chooser_of(variant, weights, EMPTY)
    choice = chooser.choose(experiment.space, experiment.objective, experiment.settings, 0, 24)
    return experiment, choice.search


def test_names_are_unique_and_networks_exist():
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    assert {variant.training for variant in VARIANTS} == {SHIPPED, *TRAININGS}


def test_widening_is_what_the_search_does():
    assert maml._SIGMA_FACTOR == WIDENING


def test_eq_6_is_the_mean():
    class Stub:
        def predict(self, evidence, candidates):
            at = np.zeros((2, 1))
            return Posterior(
                means=np.array([[1.0, 2.0]]),
                weights=np.ones(1),
                spreads=(Shrinking(None, at, np.ones(2)),),
                spread_of=np.zeros(1, dtype=np.int64),
                runs=np.ones((1, 2), dtype=np.bool_),
                feasible=np.ones(2),
                best=np.ones(1),
                confidence=np.array([[3.0, 0.5]]),
            )

    assert Optimistic(Stub(), 0.5).predict(None, []).mean == pytest.approx([2.5, 2.25])


@pytest.mark.parametrize(("delta", "expected"), [(0.2, "improvement"), (1.0, "improvement")])
def test_delta_is_the_searchs(delta, expected):
    _, search = choose(replace(BASE, delta=delta))
    assert (search.acquisition, search.exploration_weight) == ("confidence_delta", delta)


def test_takes_the_largest_value_of_eq_6():
    variant = Variant("largest", SHIPPED, 1.0, takes_largest=True)
    experiment, search = choose(variant)
    case = bump(10)
    trials = [
        Trial(f"t{n}", case.assignments[i], TrialState.MEASURED, case.values[i], f"{n}")
        for n, i in enumerate((0, 23, 7, 12))
    ]
    evidence = evidence_of(experiment.space, trials, experiment.objective.direction)
    points = list(experiment.space.enumerate())
    posterior = search.surrogate.surrogate.predict(evidence, points)
    eq_6 = (posterior.means + posterior.confidence).mean(axis=0)
    score = (eq_6 - eq_6.min()) * posterior.feasible
    texts = [tuple(experiment.space.assignments_of(point).values()) for point in points]
    measured = [tuple(trial.assignments.values()) for trial in trials]
    score[[texts.index(text) for text in measured]] = -1
    (chosen,) = suggest(search, evidence, 1).assignments
    assert tuple(chosen.values()) == texts[int(score.argmax())]


def test_linear_targets_are_predicted_by_their_own_network():
    linear = next(variant for variant in LETTER if "values" in variant.name)
    _, search = choose(replace(linear, takes_largest=False))
    assert isinstance(search.surrogate.network(), LinearMamlSurrogate)


def test_changed_networks_are_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(variants, "trained", lambda *_: tmp_path / "weights.npz")
    Checkpoint.load(META_WEIGHTS).save(tmp_path / "weights.npz")
    by_change = {variant.change: variant for variant in VARIANTS}
    changed = weights_of(by_change[one_member], 5, tmp_path)
    assert len(Checkpoint.load(changed).parameters["weights/bias_out"]) == 1
    assert weights_of(BASE, 5, tmp_path) == tmp_path / "weights.npz"
    assert weights_of(VARIANTS[0], 5, tmp_path) == META_WEIGHTS
