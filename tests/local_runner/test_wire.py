"""Requests as Katib's controller builds them: every field and enum member, out and back."""

import pytest
import yaml
from google.protobuf.json_format import MessageToDict

from local_runner import wire
from local_runner.experiment import Experiment
from local_runner.load import parse_experiment
from local_runner.state import TrialState
from protos.katib import api_pb2
from tests.local_runner.experiments import experiment

PARAMETERS = [
    {
        "name": "lr",
        "parameterType": "double",
        "feasibleSpace": {
            "min": "0.1",
            "max": "0.9",
            "step": "0.1",
            "distribution": "logUniform",
        },
    },
    {"name": "cores", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "4"}},
    {"name": "batch", "parameterType": "discrete", "feasibleSpace": {"list": ["1", "2"]}},
    {"name": "gpu", "parameterType": "categorical", "feasibleSpace": {"list": ["T4", "V100"]}},
]


def parsed(**spec: object) -> Experiment:
    document = experiment(parameters=PARAMETERS, **spec)
    template = document["spec"]["trialTemplate"]
    template["trialParameters"] = [
        {"name": parameter["name"], "reference": parameter["name"]} for parameter in PARAMETERS
    ]
    return parse_experiment(yaml.safe_dump(document))


def test_every_field_of_an_experiment():
    objective = {
        "type": "minimize",
        "goal": 0.5,
        "objectiveMetricName": "loss",
        "additionalMetricNames": ["cost"],
    }
    algorithm = {
        "algorithmName": "morphling",
        "algorithmSettings": [{"name": "random_state", "value": "3"}],
    }
    proto = wire.experiment_to_proto(
        parsed(objective=objective, algorithm=algorithm, parallelTrialCount=2, maxTrialCount=7,
               maxFailedTrialCount=1)
    )  # fmt: skip
    assert MessageToDict(proto) == {
        "name": "scripted",
        "spec": {
            "objective": {
                "type": "MINIMIZE",
                "goal": 0.5,
                "objectiveMetricName": "loss",
                "additionalMetricNames": ["cost"],
            },
            "algorithm": {
                "algorithmName": "morphling",
                "algorithmSettings": [{"name": "random_state", "value": "3"}],
            },
            "parallelTrialCount": 2,
            "maxTrialCount": 7,
            "parameterSpecs": {
                "parameters": [
                    {
                        "name": "lr",
                        "parameterType": "DOUBLE",
                        "feasibleSpace": {
                            "min": "0.1",
                            "max": "0.9",
                            "step": "0.1",
                            "distribution": "LOG_UNIFORM",
                        },
                    },
                    {
                        "name": "cores",
                        "parameterType": "INT",
                        "feasibleSpace": {"min": "1", "max": "4", "distribution": "UNIFORM"},
                    },
                    {
                        "name": "batch",
                        "parameterType": "DISCRETE",
                        "feasibleSpace": {"list": ["1", "2"], "distribution": "UNIFORM"},
                    },
                    {
                        "name": "gpu",
                        "parameterType": "CATEGORICAL",
                        "feasibleSpace": {"list": ["T4", "V100"], "distribution": "UNIFORM"},
                    },
                ]
            },
        },
    }


@pytest.mark.parametrize(
    ("table", "enum"),
    [
        (wire.PARAMETER_TYPES, api_pb2.ParameterType),
        (wire.DISTRIBUTIONS, api_pb2.Distribution),
        (wire.OBJECTIVE_TYPES, api_pb2.ObjectiveType),
    ],
)
def test_every_enum_member_has_its_word(table: dict[str, int], enum: type):
    members = set(enum.values())
    assert set(table.values()) == members - {0}  # 0: not known, not given
    for word, number in table.items():
        assert enum.Name(number).replace("_", "").lower() == word.lower()


def test_conditions_are_katibs():
    for word, number in wire.CONDITIONS.items():
        assert api_pb2.TrialStatus.TrialConditionType.Name(number) == word.upper()


def state(condition: str, **changes: object) -> TrialState:
    fields: dict[str, object] = {
        "name": "scripted-1",
        "assignments": {"lr": "0.1", "cores": "2", "batch": "1", "gpu": "T4"},
        "condition": condition,
    }
    return TrialState(**{**fields, **changes})  # type: ignore[arg-type]


def test_every_field_of_a_trial():
    ended = state(
        "Succeeded",
        start_time="2026-01-02T03:04:05Z",
        completion_time="2026-01-02T03:05:05Z",
        metrics={"peak_rps": {"min": "1", "max": "3", "latest": "2"}},
    )
    (proto,) = wire.trials_to_proto(parsed(), [ended])
    assert MessageToDict(proto) == {
        "name": "scripted-1",
        "spec": {
            "objective": {
                "type": "MAXIMIZE",
                "objectiveMetricName": "peak_rps",
                "additionalMetricNames": ["latency_p99_ms", "cost"],
            },
            "parameterAssignments": {
                "assignments": [
                    {"name": "lr", "value": "0.1"},
                    {"name": "cores", "value": "2"},
                    {"name": "batch", "value": "1"},
                    {"name": "gpu", "value": "T4"},
                ]
            },
        },
        "status": {
            "startTime": "2026-01-02T03:04:05Z",
            "completionTime": "2026-01-02T03:05:05Z",
            "condition": "SUCCEEDED",
            "observation": {"metrics": [{"name": "peak_rps", "value": "3"}]},
        },
    }


def test_a_metric_strategy_chooses_the_value():
    objective = {
        "type": "maximize",
        "objectiveMetricName": "peak_rps",
        "metricStrategies": [{"name": "peak_rps", "value": "latest"}],
    }
    ended = state("Succeeded", metrics={"peak_rps": {"min": "1", "max": "3", "latest": "2"}})
    (proto,) = wire.trials_to_proto(parsed(objective=objective), [ended])
    assert proto.status.observation.metrics[0].value == "2"


def test_trials_without_metrics_are_left_out_and_unfinished_ones_have_the_zero_time():
    trials = [state("MetricsUnavailable"), state("Running"), state("Failed"), state("Created")]
    protos = wire.trials_to_proto(parsed(), trials)
    assert [p.status.condition for p in protos] == [
        api_pb2.TrialStatus.RUNNING,
        api_pb2.TrialStatus.FAILED,
        api_pb2.TrialStatus.CREATED,
    ]
    assert {p.status.completion_time for p in protos} == {"0001-01-01T00:00:00Z"}


def test_counters():
    request = wire.suggestions_request(parsed(), [state("Running"), state("Failed")], 3)
    assert (request.current_request_number, request.total_request_number) == (3, 5)
    assert len(request.trials) == 2


def test_assignments_come_back_in_order():
    reply = api_pb2.GetSuggestionsReply()
    for value in ("1", "2"):
        reply.parameter_assignments.add(
            assignments=[
                api_pb2.ParameterAssignment(name="b", value=value),
                api_pb2.ParameterAssignment(name="a", value="x"),
            ]
        )
    found = wire.assignments_from_reply(reply)
    assert found == [{"b": "1", "a": "x"}, {"b": "2", "a": "x"}]
    assert list(found[0]) == ["b", "a"]
