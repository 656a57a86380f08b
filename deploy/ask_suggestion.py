"""Asks a suggestion service on this machine for its health, or for one suggestion.

Runs with nothing but the file tree of an image on the path; the image's health check is the first.
"""

import argparse
import sys
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from protos.katib import api_pb2, api_pb2_grpc

# Katib's probes ask for the second name (pkg/controller.v1beta1/consts/const.go:171-173).
_HEALTH_SERVICES = ("", "manager.v1beta1.Suggestion")
_HEALTH_SECONDS = 5.0
# As long as Katib waits (pkg/controller.v1beta1/suggestion/suggestionclient).
_SUGGESTION_SECONDS = 60.0
_KNOBS = ("gpu_memory_percent", "gpu_time_percent")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    arguments = _parser().parse_args(argv)
    with grpc.insecure_channel(f"127.0.0.1:{arguments.port}") as channel:
        try:
            _check_health(channel)
            if arguments.surrogate:
                _ask(channel, arguments.surrogate)
        except (grpc.RpcError, ValueError) as error:
            print(f"ask-suggestion: {error}", file=sys.stderr)
            return 1
    return 0


def _check_health(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for service in _HEALTH_SERVICES:
        request = health_pb2.HealthCheckRequest(service=service)
        status = stub.Check(request, timeout=_HEALTH_SECONDS).status
        if status != health_pb2.HealthCheckResponse.SERVING:
            raise ValueError(f"Health of {service!r} must be SERVING, but is {status}.")


def _ask(channel: grpc.Channel, surrogate: str) -> None:
    """Asks for what comes after one measured trial, so that the surrogate is used."""
    experiment = api_pb2.Experiment(name="smoke-test")
    experiment.spec.objective.type = api_pb2.MAXIMIZE
    experiment.spec.objective.objective_metric_name = "peak_rps"
    experiment.spec.algorithm.algorithm_name = "morphling"
    settings = {"surrogate": surrogate, "n_initial_points": "1"}
    for name, value in settings.items():
        experiment.spec.algorithm.algorithm_settings.add(name=name, value=value)
    for name in _KNOBS:
        space = api_pb2.FeasibleSpace(list=["25", "50", "100"])
        experiment.spec.parameter_specs.parameters.add(
            name=name, parameter_type=api_pb2.DISCRETE, feasible_space=space
        )
    trial = api_pb2.Trial(name="measured")
    for name in _KNOBS:
        trial.spec.parameter_assignments.assignments.add(name=name, value="50")
    trial.status.condition = api_pb2.TrialStatus.SUCCEEDED
    trial.status.observation.metrics.add(name="peak_rps", value="10")
    request = api_pb2.GetSuggestionsRequest(
        experiment=experiment, trials=[trial], current_request_number=1, total_request_number=2
    )
    reply = api_pb2_grpc.SuggestionStub(channel).GetSuggestions(
        request, timeout=_SUGGESTION_SECONDS
    )
    names = {a.name for a in reply.parameter_assignments[0].assignments}
    if names != set(_KNOBS):
        raise ValueError(f"A suggestion must assign {_KNOBS}, but assigns {names}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ask_suggestion.py",
        description="Asks a suggestion service on this machine whether it is healthy.",
        epilog="exit codes: 0 healthy; 1 the reason why not; 2 wrong usage",
    )
    parser.add_argument("port", type=int)
    parser.add_argument("--surrogate", help="ask for a suggestion of this surrogate as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
