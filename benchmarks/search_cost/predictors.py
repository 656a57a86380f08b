"""Predicted surfaces for the plots, from the surrogates of the suggestion service."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.libraries import library_named
from benchmarks.search_cost.method import Sample
from benchmarks.search_cost.methods.ours import trial
from benchmarks.search_cost.surfaces import Predictor
from suggestion.evidence import evidence_of
from suggestion.katib import experiment_from_proto, trials_from_proto
from suggestion.surrogate_choice import SurrogateChooser

Array = NDArray[np.float64]


def service_predictor(settings: Mapping[str, str]) -> Predictor:
    """What the service believes under some algorithm settings.

    Args:
        settings: As in an Experiment.

    Returns:
        A predictor: expected objective times the probability that the configuration runs; before
        any measurement how much the surrogate promises itself, or the same value everywhere.
    """

    def predict(case: Case, samples: Sequence[Sample]) -> Array:
        experiment = experiment_from_proto(case.experiment(settings, len(case.values)))
        space, objective = experiment.space, experiment.objective
        chooser = SurrogateChooser(library_named(case.library))
        choice = chooser.choose(space, objective, experiment.settings, 0, experiment.budget)
        surrogate = choice.search.surrogate
        trials = trials_from_proto([trial(case, *each) for each in enumerate(samples)], objective)
        evidence = evidence_of(space, trials, objective.direction)
        points = [space.point_of(assignments) for assignments in case.assignments]
        candidates = [point for point in points if point is not None]
        if not evidence.measured:
            promise = surrogate.promise(evidence, candidates)
            return np.ones(len(candidates)) if promise is None else promise
        posterior = surrogate.predict(evidence, candidates)
        return np.asarray((posterior.mean - posterior.mean.min()) * posterior.feasible)

    return predict
