"""Our suggestion service over its real gRPC interface, on a socket of this machine."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import grpc
from threadpoolctl import threadpool_limits

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.libraries import library_named
from benchmarks.search_cost.method import Sample, Setup
from protos.katib import api_pb2, api_pb2_grpc
from suggestion.library import Library
from suggestion.metrics import ServiceMetrics
from suggestion.server import make_server
from suggestion.surrogate_choice import SurrogateChooser

# The default, told the prices that the objective was divided by.
PRICED = "default+prices"
# Algorithm settings that each method gives; all others are left at their defaults.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    PRICED: {},
    "maml": {"surrogate": "maml", "acquisition": "confidence_delta"},
    "gp": {"surrogate": "gp"},
}

# Any instant will do: only the order of the trials' ends matters.
_FIRST_END = datetime(2026, 1, 1, tzinfo=UTC)


class Services:
    """Suggestion services, one a library, served when first asked for; a context manager.

    Args:
        make_chooser: What a service picks its surrogates by, given its library.
    """

    def __init__(
        self, make_chooser: Callable[[Library], SurrogateChooser] = SurrogateChooser
    ) -> None:
        self._make_chooser = make_chooser
        self._stack = ExitStack()
        self._stubs: dict[str, api_pb2_grpc.SuggestionStub] = {}

    def __enter__(self) -> "Services":
        # As the service's own process does: the matrices are small.
        self._stack.enter_context(threadpool_limits(1, user_api="blas"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def stub(self, library: str) -> api_pb2_grpc.SuggestionStub:
        """A channel to the service that has the library."""
        if library not in self._stubs:
            chooser = self._make_chooser(library_named(library))
            server = make_server("127.0.0.1", 0, ServiceMetrics(), chooser)
            server.start()
            self._stack.callback(server.stop, grace_seconds=0)
            channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
            self._stack.enter_context(channel)
            self._stubs[library] = api_pb2_grpc.SuggestionStub(channel)
        return self._stubs[library]


class OursSearch:
    """The requests that Katib would send for one Experiment."""

    def __init__(
        self,
        stub: api_pb2_grpc.SuggestionStub,
        case: Case,
        settings: Mapping[str, str],
        setup: Setup,
    ) -> None:
        self._stub = stub
        self._case = case
        self._request = api_pb2.GetSuggestionsRequest(
            experiment=case.experiment(settings, setup.cap)
        )

    def propose(self, samples: Sequence[Sample]) -> int:
        for number in range(len(self._request.trials), len(samples)):
            self._request.trials.append(trial(self._case, number, samples[number]))
        self._request.current_request_number = 1
        self._request.total_request_number = len(samples) + 1
        reply = self._stub.GetSuggestions(self._request)
        (pairs,) = reply.parameter_assignments
        texts = {pair.name: pair.value for pair in pairs.assignments}
        return self._case.index[tuple(texts[name] for name in self._case.parameters)]


def trial(case: Case, number: int, sample: Sample) -> api_pb2.Trial:
    """The finished trial that Katib would report."""
    built = api_pb2.Trial(name=f"trial-{number:05d}")
    for name, text in case.assignments[sample.index].items():
        built.spec.parameter_assignments.assignments.add(name=name, value=text)
    built.status.completion_time = end_of(number)
    if sample.value is None:
        built.status.condition = api_pb2.TrialStatus.FAILED
    else:
        built.status.condition = api_pb2.TrialStatus.SUCCEEDED
        built.status.observation.metrics.add(name="objective", value=repr(sample.value))
    return built


def end_of(number: int) -> str:
    """When a trial ended, as Katib writes it; a later trial ended later."""
    return (_FIRST_END + number * timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Ours:
    """One way to set our service."""

    def __init__(self, name: str, services: Services) -> None:
        self.name = name
        self._services = services

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> OursSearch:  # noqa: ARG002
        settings = {**SETTINGS[self.name], "random_state": str(setup.seed)}
        if self.name == PRICED:
            settings |= case.prices
        if self.name == "maml":
            # The paper's initial points are part of the method; given ones stand in for them.
            settings["initial_points"] = "none" if setup.start == "corners" else "corners"
        return OursSearch(self._services.stub(case.library), case, settings, setup)
