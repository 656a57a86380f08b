"""Which surrogate an Experiment gets, and what it is told."""

from pathlib import Path

import pytest

from protos.katib import api_pb2
from suggestion.designer import suggest
from suggestion.errors import InvalidExperimentError
from suggestion.evidence import evidence_of
from suggestion.search_space import SearchSpace
from suggestion.settings import Settings
from suggestion.surrogate_choice import Choice, SurrogateChooser
from suggestion.trial import Direction, Objective
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import SERVING_SPACE, simulated, space, tabled

OTHER = (
    parameter("learning_rate", "DOUBLE", low="0.001", high="0.1"),
    parameter("batch_size", "DISCRETE", values=["16", "32"]),
)
OTHER_SPACE = space(*OTHER)


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


@pytest.mark.parametrize("metric", ["accuracy", "Validation-accuracy", "f1_score", "roc_auc"])
def test_what_training_maximises_is_no_rate(metric: str):
    choice = choose(SERVING_SPACE, metric=metric)
    assert (choice.search.name, choice.reason) == (
        "gp",
        f"the library holds rates, and {metric} is none",
    )
    asked = choose(SERVING_SPACE, Settings(surrogate="library"), metric=metric)
    assert asked.search.name == "library"


@pytest.mark.parametrize("metric", ["accurate_rps", "rps", "reward_per_dollar", "speed"])
def test_other_names_may_be_rates(metric: str):
    assert choose(SERVING_SPACE, metric=metric).search.name == "library"


@pytest.mark.parametrize(
    "gpu",
    [
        parameter("gpu", "DOUBLE", low="0.1", high="1"),
        parameter("gpu", "INT", low="1", high="4"),
        parameter("gpu", "INT", low="1", high="10000"),
        parameter("gpu", "DISCRETE", values=["1", "2"]),
    ],
)
def test_a_number_of_gpus_is_no_type(gpu: api_pb2.ParameterSpec):
    assert choose(space(gpu, *OTHER)).search.name == "gp"
    memory = parameter("gpu_memory", "INT", low="10", high="90")
    choice = choose(space(gpu, memory, *OTHER))
    assert choice.search.name == "library"
    assert (
        len(
            suggest(
                choice.search, evidence_of(choice.search.space, [], Direction.MAXIMIZE), 2
            ).assignments
        )
        == 2
    )


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (
            {"batch_size": "batch_sise"},
            r"^knobs must be some of gpu_type, .*, but got 'batch_sise'",
        ),
        # The unit would be lost.
        ({"batch_size": "gpu_memory_gib"}, r"^knobs must be some of .*, but got 'gpu_memory_gib'"),
        ({"kind": "cpu_cores"}, r"^Values of cpu_cores must be numbers .*those of 'kind' are not"),
    ],
)
def test_told_knobs_must_make_sense(knobs: dict[str, str], message: str):
    searched = space(*OTHER, parameter("kind", "CATEGORICAL", values=["small", "large"]))
    with pytest.raises(InvalidExperimentError, match=message):
        choose(searched, Settings(knobs=tuple(knobs.items())))


def test_maml_without_a_network_is_refused_at_once(tmp_path: Path):
    chooser = SurrogateChooser(simulated(50), meta_weights=tmp_path / "none.npz")
    with pytest.raises(InvalidExperimentError, match=r"^surrogate maml must have a network"):
        chooser.choose(
            SERVING_SPACE, Objective("rps", Direction.MAXIMIZE), Settings(surrogate="maml"), 1, 20
        )


def test_maml_by_default_leaves_tables_to_the_library():
    chooser = SurrogateChooser(tabled(), default="maml")
    engines = space(
        parameter("backend", "CATEGORICAL", values=["a", "b"]),
        parameter("max_batch", "DISCRETE", values=["1", "8"]),
    )
    choice = chooser.choose(engines, Objective("rps", Direction.MAXIMIZE), Settings(), 1, 20)
    assert choice.search.name == "library"
