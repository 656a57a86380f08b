"""Conversion of every enum and field between Katib's messages and the search's values."""

import pytest

from protos.katib import api_pb2
from suggestion.errors import InvalidExperimentError
from suggestion.katib import experiment_from_proto, reply_to_proto, trials_from_proto
from suggestion.parameter import Distribution, Grid, Range
from suggestion.trial import Direction, Objective, TrialState
from tests.suggestion.experiments import MIXED, experiment, parameter, trial

MAXIMIZE = Objective("rps", Direction.MAXIMIZE)
MINIMIZE = Objective("rps", Direction.MINIMIZE)


def only_parameter(spec: api_pb2.ParameterSpec) -> Grid | Range:
    (converted,) = experiment_from_proto(experiment(spec)).space.parameters
    return converted


def test_every_field_of_an_experiment_arrives():
    values = experiment_from_proto(
        experiment(*MIXED, settings={"random_state": "7"}, objective="MINIMIZE", max_trials=30)
    )
    assert values.name == "e"
    assert values.budget == 30
    assert values.objective == MINIMIZE
    assert values.settings.random_state == 7
    assert values.space.size == 4 * 9 * 4 * 2
    assert [p.name for p in values.space.parameters] == ["cpu", "share", "batch", "gpu"]


@pytest.mark.parametrize(
    ("wire", "expected"), [("MAXIMIZE", Direction.MAXIMIZE), ("MINIMIZE", Direction.MINIMIZE)]
)
def test_objective_types(wire: str, expected: Direction):
    assert experiment_from_proto(experiment(*MIXED, objective=wire)).objective.direction is expected


@pytest.mark.parametrize("unknown", ["UNKNOWN"])
def test_unknown_objective_type_is_refused(unknown: str):
    with pytest.raises(InvalidExperimentError, match=r"must be maximize or minimize.*UNKNOWN"):
        experiment_from_proto(experiment(*MIXED, objective=unknown))


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("DISTRIBUTION_UNSPECIFIED", Distribution.UNIFORM),
        ("UNIFORM", Distribution.UNIFORM),
        ("LOG_UNIFORM", Distribution.LOG_UNIFORM),
        ("NORMAL", Distribution.NORMAL),
        ("LOG_NORMAL", Distribution.LOG_NORMAL),
    ],
)
def test_distributions_of_a_continuous_double(wire: str, expected: Distribution):
    found = only_parameter(parameter("x", "DOUBLE", low="0.5", high="8", distribution=wire))
    assert found == Range("x", 0.5, 8.0, expected)


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        (parameter("x", "INT", low="1", high="4"), ("1", "2", "3", "4")),
        (parameter("x", "INT", low="1", high="8", step="3"), ("1", "4", "7")),
        (parameter("x", "INT", low="2.0", high="3"), ("2", "3")),
        (parameter("x", "INT", low="5", high="5"), ("5",)),
        (parameter("x", "DOUBLE", low="0.1", high="0.5", step="0.1"),
         ("0.1", "0.2", "0.3", "0.4", "0.5")),
        (parameter("x", "DOUBLE", low="0", high="1", step="0.3"), ("0", "0.3", "0.6", "0.9")),
        (parameter("x", "DOUBLE", low="1e-3", high="3e-3", step="1e-3"),
         ("0.001", "0.002", "0.003")),
        (parameter("x", "DISCRETE", values=["8", "1", "2"]), ("1", "2", "8")),
        (parameter("x", "DISCRETE", values=["1.50", "0.5"]), ("0.5", "1.50")),
        (parameter("x", "CATEGORICAL", values=["V100", "T4"]), ("V100", "T4")),
        (parameter("x", "CATEGORICAL", values=["16", "4"]), ("16", "4")),
    ],
)  # fmt: skip
def test_finite_parameters_list_their_values(spec: api_pb2.ParameterSpec, texts: tuple[str, ...]):
    found = only_parameter(spec)
    assert isinstance(found, Grid)
    assert found.values == texts


@pytest.mark.parametrize("distribution", ["UNIFORM", "LOG_UNIFORM", "NORMAL", "LOG_NORMAL"])
@pytest.mark.parametrize("kind", ["INT", "DOUBLE"])
def test_steps_go_with_every_distribution(kind: str, distribution: str):
    found = only_parameter(
        parameter("x", kind, low="1", high="9", step="2", distribution=distribution)
    )
    assert isinstance(found, Grid)
    assert found.values == ("1", "3", "5", "7", "9")
    assert sum(found.shares) == pytest.approx(1)
    is_peaked = found.shares[2] == max(found.shares)
    assert is_peaked == (distribution in ("UNIFORM", "NORMAL"))


def test_a_grid_too_long_to_list_keeps_its_step():
    found = only_parameter(parameter("x", "INT", low="0", high="1000000", step="5"))
    assert isinstance(found, Range)
    assert found.text(1.0) == "1000000"
    assert int(found.text(0.123456)) % 5 == 0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (parameter("x", "INT", low="5", high="1"), "min <= max must hold, but got min=5, max=1"),
        (parameter("x", "INT", low="a", high="1"), "min must be a finite number, but got 'a'"),
        (parameter("x", "INT", low="", high="1"), "min must be a finite number, but got ''"),
        (parameter("x", "INT", low="1.5", high="2"), "min must be a whole number"),
        (parameter("x", "DOUBLE", low="0", high="inf"), "max must be a finite number"),
        (parameter("x", "DOUBLE", low="nan", high="1"), "min must be a finite number"),
        (parameter("x", "DOUBLE", low="0", high="1e999999"), "max must be a finite number"),
        (parameter("x", "DOUBLE", low="0", high="1", step="0"), "0 < step <= max - min"),
        (parameter("x", "DOUBLE", low="0", high="1", step="-1"), "0 < step <= max - min"),
        (parameter("x", "DOUBLE", low="0", high="1", step="2"), "0 < step <= max - min"),
        (parameter("x", "DOUBLE", low="0", high="1", distribution="LOG_UNIFORM"),
         "min > 0 must hold with logUniform, but got min=0"),
        (parameter("x", "INT", low="-1", high="1", distribution="LOG_NORMAL"),
         "min > 0 must hold with logNormal"),
        (parameter("x", "DISCRETE"), "list must hold a value, but is empty"),
        (parameter("x", "CATEGORICAL", values=["a", "a"]), "unique, but got 'a' twice"),
        (parameter("x", "UNKNOWN_TYPE"), "must be double, int, discrete or categorical"),
        (parameter("", "INT", low="1", high="2"), "must not be empty"),
    ],
)  # fmt: skip
def test_flaws_are_refused_with_rule_and_value(spec: api_pb2.ParameterSpec, message: str):
    with pytest.raises(InvalidExperimentError) as caught:
        experiment_from_proto(experiment(spec))
    assert message in str(caught.value)


def test_flaws_of_the_whole_experiment():
    one = parameter("x", "INT", low="1", high="2")
    with pytest.raises(InvalidExperimentError, match="at least one, but got none"):
        experiment_from_proto(experiment())
    with pytest.raises(InvalidExperimentError, match="'x' twice"):
        experiment_from_proto(experiment(one, one))
    nameless = experiment(one)
    nameless.spec.objective.objective_metric_name = ""
    with pytest.raises(InvalidExperimentError, match="objectiveMetricName must be given"):
        experiment_from_proto(nameless)
    repeated = experiment(one)
    for value in ("1", "2"):
        repeated.spec.algorithm.algorithm_settings.add(name="random_state", value=value)
    with pytest.raises(InvalidExperimentError, match="'random_state' is given twice"):
        experiment_from_proto(repeated)


@pytest.mark.parametrize(
    ("condition", "value", "state", "number"),
    [
        ("CREATED", None, TrialState.PENDING, None),
        ("RUNNING", None, TrialState.PENDING, None),
        ("SUCCEEDED", "12.5", TrialState.MEASURED, 12.5),
        ("EARLYSTOPPED", "3", TrialState.MEASURED, 3.0),
        ("FAILED", None, TrialState.INFEASIBLE, None),
        ("KILLED", None, TrialState.INFEASIBLE, None),
        ("METRICSUNAVAILABLE", None, TrialState.UNUSABLE, None),
        ("UNKNOWN", "4", TrialState.UNUSABLE, None),
        ("SUCCEEDED", None, TrialState.UNUSABLE, None),
        ("SUCCEEDED", "unavailable", TrialState.UNUSABLE, None),
        ("SUCCEEDED", "NaN", TrialState.UNUSABLE, None),
        ("SUCCEEDED", "inf", TrialState.UNUSABLE, None),
    ],
)
def test_trial_conditions(
    condition: str, value: str | None, state: TrialState, number: float | None
):
    (found,) = trials_from_proto([trial({"x": "1"}, value, condition)], MAXIMIZE)
    assert (found.state, found.value) == (state, number)
    assert (found.name, dict(found.assignments)) == ("t", {"x": "1"})


@pytest.mark.parametrize(
    ("wire", "problem"),
    [
        (trial({"x": "1"}, "NaN"), "rps must be a finite number, but is 'NaN'"),
        (trial({"x": "1"}), "must have the metric rps, but has none of that name"),
        (trial({"x": "1"}, "4", metric="rpm"), "must have the metric rps, but has none"),
        (trial({"x": "1"}, "4", "UNKNOWN"), "must say how it ended, but is UNKNOWN"),
    ],
)
def test_the_problem_of_an_unusable_trial_is_stated(wire: api_pb2.Trial, problem: str):
    assert problem in trials_from_proto([wire], MAXIMIZE)[0].problem


def test_only_the_objective_counts_among_the_metrics():
    several = trial({"x": "1"}, "9", metric="other")
    several.status.observation.metrics.add(name="rps", value="4")
    assert trials_from_proto([several], MAXIMIZE)[0].value == 4.0


def test_reply_keeps_the_order_and_echoes_the_algorithm():
    reply = reply_to_proto(
        [{"b": "1", "a": "x"}, {"b": "2", "a": "y"}],
        api_pb2.AlgorithmSpec(algorithm_name="bayesianoptimization"),
    )
    pairs = [[(p.name, p.value) for p in s.assignments] for s in reply.parameter_assignments]
    assert pairs == [[("b", "1"), ("a", "x")], [("b", "2"), ("a", "y")]]
    assert reply.algorithm.algorithm_name == "bayesianoptimization"
    assert not reply.early_stopping_rules
