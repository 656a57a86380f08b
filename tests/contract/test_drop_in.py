"""An Experiment of Katib's ``bayesianoptimization`` on this service, over the wire.

What Katib's unit tests of its skopt service check (test/unit/v1beta1/suggestion/
test_skopt_service.py), with its texts; and how values must be written.
"""

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal

import grpc
import pytest

from protos.katib import api_pb2
from tests.contract.service import Service, running
from tests.suggestion.experiments import experiment, parameter, trial

NAMES = ("bayesianoptimization", "morphling")
# Without steps, as there.
FOUR = (
    parameter("param-1", "INT", low="1", high="5"),
    parameter("param-2", "CATEGORICAL", values=["cat1", "cat2", "cat3"]),
    parameter("param-3", "DISCRETE", values=["3", "2", "6"]),
    parameter("param-4", "DOUBLE", low="1", high="5"),
)
STEPPED = (
    parameter("third", "DOUBLE", low="0", high="1", step="0.1"),
    parameter("tiny", "DOUBLE", low="1e-7", high="9e-7", step="1e-7"),
    parameter("plain", "DOUBLE", low="0.1", high="0.3"),
    parameter("verbatim", "DISCRETE", values=["1.50", "0x", "007"]),
    parameter("count", "INT", low="10", high="1000000", step="10"),
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as started:
        yield started


def refusal(service: Service, **changes: object) -> str:
    asked = api_pb2.ValidateAlgorithmSettingsRequest(
        experiment=experiment(*FOUR, **changes)  # type: ignore[arg-type]
    )
    with service.stub() as stub, pytest.raises(grpc.RpcError) as caught:
        stub.ValidateAlgorithmSettings(asked, timeout=1)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return str(caught.value.details())


@pytest.mark.parametrize("algorithm", NAMES)
def test_trials_without_a_usable_history(service: Service, algorithm: str):
    pairs = {"param-1": "2", "param-2": "cat1", "param-3": "2", "param-4": "3.44"}
    asked = api_pb2.GetSuggestionsRequest(
        experiment=experiment(*FOUR, algorithm=algorithm),
        trials=[
            trial(pairs, "435", "CREATED", "test-asfjh", metric="metric=2"),
            trial({**pairs, "param-1": "3"}, "123", "UNKNOWN", "test-234hs", metric="metric=2"),
        ],
        current_request_number=2,
        total_request_number=2,
    )
    with service.stub() as stub:
        reply = stub.GetSuggestions(asked, timeout=1)
    assert len(reply.parameter_assignments) == 2
    assert reply.algorithm.algorithm_name == algorithm


@pytest.mark.parametrize("algorithm", NAMES)
def test_the_texts_of_the_built_in(service: Service, algorithm: str):
    texts: list[tuple[Mapping[str, str], str]] = [
        ({"base_estimator": "xyz"}, "base_estimator xyz is not supported in Bayesian optimization"),
        ({"n_initial_points": "-3"}, "n_initial_points should be great or equal than zero"),
        ({"acq_func": "xyz"}, "acq_func xyz is not supported in Bayesian optimization"),
        ({"acq_optimizer": "xyz"}, "acq_optimizer xyz is not supported in Bayesian optimization"),
        ({"random_state": "-1"}, "random_state should be great or equal than zero"),
        ({"unknown": "1"}, f"unknown setting unknown for algorithm {algorithm}"),
        (
            {"random_state": "x"},
            "failed to validate random_state(x): invalid literal for int() with base 10: 'x'",
        ),
    ]
    for settings, text in texts:
        assert refusal(service, settings=settings, algorithm=algorithm) == text
    assert refusal(service, algorithm="tpe") == "unknown algorithm name tpe"


@pytest.mark.parametrize("algorithm", NAMES)
def test_all_settings_of_the_built_in(service: Service, algorithm: str):
    settings = {
        "base_estimator": "GP",
        "n_initial_points": "10",
        "acq_func": "gp_hedge",
        "acq_optimizer": "auto",
        "random_state": "10",
    }
    built = experiment(*FOUR, settings=settings, algorithm=algorithm)
    with service.stub() as stub:
        stub.ValidateAlgorithmSettings(
            api_pb2.ValidateAlgorithmSettingsRequest(experiment=built), timeout=1
        )
        reply = stub.GetSuggestions(
            api_pb2.GetSuggestionsRequest(experiment=built, current_request_number=1), timeout=1
        )
    assert len(reply.parameter_assignments) == 1


def test_how_values_are_written(service: Service):
    asked = api_pb2.GetSuggestionsRequest(
        experiment=experiment(*STEPPED, algorithm="bayesianoptimization"),
        current_request_number=200,
    )
    with service.stub() as stub:
        reply = stub.GetSuggestions(asked, timeout=10)
    values = [{p.name: p.value for p in s.assignments} for s in reply.parameter_assignments]
    assert {v["third"] for v in values} == {"0", "1", *(f"0.{n}" for n in range(1, 10))}
    assert {v["verbatim"] for v in values} == {"1.50", "0x", "007"}
    for value in values:
        assert Decimal(value["tiny"]) % Decimal("1e-7") == 0
        assert float(value["plain"]) == float(repr(float(value["plain"])))
        assert len(value["plain"]) <= 16
        assert value["count"].isdigit()
        assert int(value["count"]) % 10 == 0


def test_validation_is_quick_however_large_the_space(service: Service):
    large = [
        experiment(*(parameter(f"p{n}", "DOUBLE", low="0", high="1") for n in range(100))),
        experiment(parameter("x", "CATEGORICAL", values=[f"value-{n}" for n in range(50_000)])),
        experiment(*(parameter(f"p{n}", "INT", low="0", high="999999999") for n in range(20))),
        # Loads a network of TensorFlow, but does not wait for it.
        experiment(
            parameter("cpu_cores", "INT", low="1", high="8"),
            parameter("gpu_type", "CATEGORICAL", values=["T4", "V100"]),
            parameter("batch_size", "DISCRETE", values=["1", "2", "4"]),
            parameter("gpu_memory_percent", "DISCRETE", values=["10", "20"]),
            settings={"surrogate": "maml"},
        ),
    ]
    with service.stub() as stub:
        for one in large:
            begun = time.perf_counter()
            stub.ValidateAlgorithmSettings(
                api_pb2.ValidateAlgorithmSettingsRequest(experiment=one), timeout=1
            )
            assert time.perf_counter() - begun < 1


def test_prior_observations_steer_the_first_suggestion(service: Service):
    table = "param-1,param-2,param-3,param-4,rps\n" + "\n".join(
        f"{n},cat{1 + n % 3},{(2, 3, 6)[n % 3]},{n}.25,{10 * n}" for n in range(1, 5)
    )
    settings = {"prior_observations": table}
    asked = api_pb2.GetSuggestionsRequest(
        experiment=experiment(*FOUR, settings=settings), current_request_number=2
    )
    with service.stub() as stub:
        reply = stub.GetSuggestions(asked, timeout=5)
    first, second = ([p.value for p in s.assignments] for s in reply.parameter_assignments)
    # The best of before is confirmed first; what follows is no point of the initial design.
    assert first == ["4", "cat2", "3", "4.25"]
    assert int(second[0]) >= 4
    assert refusal(service, settings={"prior_observations": "a,b\n1,2"}).startswith(
        "prior_observations must have each of the columns param-1, param-2, param-3, param-4, rps"
    )
