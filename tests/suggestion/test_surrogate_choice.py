"""Which surrogate an Experiment gets, and what it is told."""

import pytest

from suggestion.errors import InvalidExperimentError
from suggestion.search_space import SearchSpace
from suggestion.settings import Settings
from suggestion.surrogate_choice import Choice, SurrogateChooser
from suggestion.trial import Direction, Objective
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import SERVING_SPACE, simulated, space

OTHER_SPACE = space(
    parameter("learning_rate", "DOUBLE", low="0.001", high="0.1"),
    parameter("batch_size", "DISCRETE", values=["16", "32"]),
)


def choose(
    searched: SearchSpace,
    settings: Settings | None = None,
    direction: Direction = Direction.MAXIMIZE,
    metric: str = "rps",
) -> Choice:
    chooser = SurrogateChooser(simulated(50))
    return chooser.choose(searched, Objective(metric, direction), settings or Settings(), 1, 20)


def test_the_library_where_it_knows_the_knobs():
    choice = choose(SERVING_SPACE)
    assert choice.search.name == "library"
    assert choice.search.initial_points == "none"
    assert choice.search.acquisition == "expected_improvement"
    assert choice.reason == "50 simulated services"


def test_a_gaussian_process_for_the_rest():
    choice = choose(OTHER_SPACE)
    assert choice.search.name == "gp"
    assert choice.search.initial_points == "auto"
    assert choice.reason == "the library knows too few of the parameters"


def test_minimised_objectives_are_no_rates():
    choice = choose(SERVING_SPACE, direction=Direction.MINIMIZE)
    assert (choice.search.name, choice.reason) == (
        "gp",
        "the library holds rates, which are maximised",
    )


def test_told_knobs_count():
    told = Settings(knobs=(("learning_rate", "gpu_memory_percent"), ("batch_size", "batch_size")))
    assert choose(OTHER_SPACE, told).search.name == "library"


def test_what_is_asked_for_is_done_or_refused():
    assert choose(SERVING_SPACE, Settings(surrogate="gp")).search.name == "gp"
    with pytest.raises(
        InvalidExperimentError, match=r"^surrogate library must have a maximised rate"
    ):
        choose(OTHER_SPACE, Settings(surrogate="library"))
    with pytest.raises(InvalidExperimentError, match=r"^acquisition confidence_delta must come"):
        choose(SERVING_SPACE, Settings(acquisition="confidence_delta"))


def test_particles_are_made_once_for_a_space():
    chooser = SurrogateChooser(simulated(50))
    objective = Objective("rps", Direction.MAXIMIZE)
    first, second = (
        chooser.choose(SERVING_SPACE, objective, Settings(), seed, 0).search.surrogate
        for seed in (1, 2)
    )
    assert first.particles is second.particles  # type: ignore[attr-defined]
