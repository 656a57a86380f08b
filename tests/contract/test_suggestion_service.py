"""The suggestion service over a real socket, as Katib's controller and kubelet see it."""

import signal
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.soak.workload import crowded
from benchmarks.suggestion_latency.measurement import resident_mib
from protos.katib import api_pb2, api_pb2_grpc
from suggestion.servicer import MAX_CALLS
from tests.contract.service import Service, command, running
from tests.suggestion.experiments import MIXED, experiment, parameter, trial


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running(metrics_port=free_port()) as started:
        yield started


def request(count: int, *trials: api_pb2.Trial, **changes: object) -> api_pb2.GetSuggestionsRequest:
    return api_pb2.GetSuggestionsRequest(
        experiment=experiment(*MIXED, **changes),  # type: ignore[arg-type]
        trials=trials,
        current_request_number=count,
        total_request_number=count,
    )


@pytest.mark.parametrize("name", ["", "manager.v1beta1.Suggestion"])
def test_health(service: Service, name: str):
    with service.channel() as channel:
        reply = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=name), timeout=1
        )
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_service(service: Service):
    with service.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service="nobody"), timeout=1
        )
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_suggestions_are_exactly_as_many_as_asked_for(service: Service):
    with service.stub() as stub:
        for count in (0, 1, 3, 50):
            reply = stub.GetSuggestions(request(count), timeout=10)
            assert len(reply.parameter_assignments) == count
            for suggestion in reply.parameter_assignments:
                names = [pair.name for pair in suggestion.assignments]
                assert names == ["cpu", "share", "batch", "gpu"]


def test_a_repeated_request_gets_the_same_reply_also_after_a_restart(service: Service):
    trials = [
        trial(
            {"cpu": str(c), "share": "0.5", "batch": "2", "gpu": "T4"}, str(10.0 * c), name=f"t{c}"
        )
        for c in (1, 2, 3, 4)
    ]
    asked = request(3, *trials)
    with service.stub() as stub:
        first, second = (stub.GetSuggestions(asked, timeout=10) for _ in range(2))
    with running() as restarted, restarted.stub() as stub:
        third = stub.GetSuggestions(asked, timeout=10)
    assert first == second == third


def test_parallel_requests_of_several_experiments(service: Service):
    def ask(number: int) -> int:
        with service.stub() as stub:
            reply = stub.GetSuggestions(request(5, name=f"e{number}"), timeout=20)
            return len(reply.parameter_assignments)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(20))) == [5] * 20


def test_validation_accepts_and_refuses(service: Service):
    good = api_pb2.ValidateAlgorithmSettingsRequest(experiment=experiment(*MIXED))
    bad = api_pb2.ValidateAlgorithmSettingsRequest(
        experiment=experiment(parameter("x", "INT", low="9", high="1"))
    )
    with service.stub() as stub:
        stub.ValidateAlgorithmSettings(good, timeout=1)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ValidateAlgorithmSettings(bad, timeout=1)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "x: min <= max must hold, but got min=9, max=1."


def test_an_invalid_experiment_is_refused_by_suggestions_too(service: Service):
    asked = request(1, algorithm="tpe")
    with service.stub() as stub, pytest.raises(grpc.RpcError) as caught:
        stub.GetSuggestions(asked, timeout=1)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "unknown algorithm name tpe"


@pytest.mark.parametrize("count", [-1, 10_001])
def test_absurd_counts_are_refused(service: Service, count: int):
    with service.stub() as stub, pytest.raises(grpc.RpcError) as caught:
        stub.GetSuggestions(request(count), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"but got {count}" in caught.value.details()


def test_metrics_page(service: Service):
    with service.stub() as stub:
        stub.GetSuggestions(request(2, trial({"cpu": "1"}, "3")), timeout=5)
    url = f"http://127.0.0.1:{service.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as response:
        page = response.read().decode()
    assert 'morphling_suggestion_requests_total{code="OK",method="GetSuggestions"}' in page
    assert "morphling_suggestion_request_seconds_bucket" in page
    assert 'morphling_suggestion_trials_seen_total{state="measured"}' in page
    assert 'morphling_suggestion_suggestions_total{source="library"}' in page
    assert 'morphling_suggestion_surrogates_total{surrogate="library"}' in page


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_running_call_finish(number: signal.Signals):
    many = [parameter(f"p{i}", "DOUBLE", low="0", high="1") for i in range(20)]
    trials = [
        trial(
            {f"p{i}": str((i * 7 + n * 13) % 97 / 97) for i in range(20)},
            str(n + 1.0),
            name=f"t{n}",
        )
        for n in range(120)
    ]
    asked = api_pb2.GetSuggestionsRequest(
        experiment=experiment(*many), trials=trials, current_request_number=20
    )
    with running() as service, service.stub() as stub:
        call = stub.GetSuggestions.future(asked, timeout=60)
        time.sleep(0.2)
        service.process.send_signal(number)
        assert len(call.result().parameter_assignments) == 20
        assert service.end() == (0, "")


def call_code(method, request, timeout_seconds: float) -> grpc.StatusCode:
    """How a call ended."""
    try:
        method(request, timeout=timeout_seconds)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_health_answers_while_more_calls_arrive_than_the_service_takes():
    many = [parameter(f"p{i}", "DOUBLE", low="0", high="1") for i in range(12)]
    trials = [
        trial(
            {f"p{i}": str((i * 7 + n * 13) % 97 / 97) for i in range(12)},
            str(n + 1.0),
            name=f"t{n}",
        )
        for n in range(80)
    ]
    asked = api_pb2.GetSuggestionsRequest(
        experiment=experiment(*many), trials=trials, current_request_number=3
    )

    def ask(channel: grpc.Channel) -> grpc.StatusCode:
        return call_code(api_pb2_grpc.SuggestionStub(channel).GetSuggestions, asked, 100)

    count = MAX_CALLS + 8
    with running() as service, service.channel() as channel, ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(ask, channel) for _ in range(count)]
        health = health_pb2_grpc.HealthStub(channel)
        checks = missed = 0
        while not all(call.done() for call in calls):
            # The kubelet waits for 1 s, and takes a pod out of service after three in a row.
            if call_code(health.Check, health_pb2.HealthCheckRequest(), 1) == grpc.StatusCode.OK:
                checks, missed = checks + 1, 0
            else:
                missed += 1
            assert missed < 3
        codes = Counter(call.result() for call in calls)
    assert checks > 10
    assert codes.keys() == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert codes[grpc.StatusCode.OK] >= MAX_CALLS


def test_a_taken_port_is_an_error_with_exit_code_1():
    with running() as service:
        done = subprocess.run(
            command("--port", str(service.port), "--metrics-port", "0"),
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {service.port} must be free, but cannot be bound." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--help",), 0, "exit codes"),
        (("--version",), 0, "0.1.0"),
        (("--port", "99999"), 2, "a port must be 0 to 65535, but got '99999'"),
        (("--colour",), 2, "unrecognized arguments"),
    ],
)
def test_command_line(arguments: tuple[str, ...], code: int, text: str):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=30)
    assert done.returncode == code
    assert text in done.stdout + done.stderr


def test_a_service_whose_default_is_maml_answers_as_soon_as_it_serves():
    with running(0, "--default-surrogate", "maml") as service, service.stub() as stub:
        reply = stub.GetSuggestions(request(9), timeout=5)
        assert len(reply.parameter_assignments) == 9


@pytest.mark.parametrize("flag", ["--library", "--meta-weights"])
def test_an_unusable_artifact_ends_the_service_with_its_reason(tmp_path: Path, flag: str):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"nothing")
    flags = ["--port", "0", "--metrics-port", "0", "--default-surrogate", "maml", flag]
    done = subprocess.run(
        command(*flags, str(broken)), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert str(broken) in done.stderr


def test_memory_stays_small_after_many_large_searches_at_once():
    request_of = [crowded(seed, num_trials=400) for seed in range(8)]
    with running() as service:
        with service.channel() as channel, ThreadPoolExecutor(8) as pool:
            stub = api_pb2_grpc.SuggestionStub(channel)
            assert all(
                len(reply.parameter_assignments) == 5
                for reply in pool.map(
                    lambda asked: stub.GetSuggestions(asked, timeout=60), request_of
                )
            )
        # A third of its container's limit. What is left behind varies from 190 to 350 MiB.
        assert resident_mib(service.process.pid) < 512
