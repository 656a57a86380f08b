"""Plays Katib's experiment and suggestion controllers against a real suggestion service.

Counters, deadlines, retries and checks are those of kubeflow/katib (33c8ff4):
experiment_controller.go:286-480 and suggestionclient.go:84-246. What Katib stores in its objects is
kept here; time is compressed. Faults happen on demand, drawn by seed.
"""

import contextlib
import random
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import grpc

from protos.katib import api_pb2, api_pb2_grpc
from tests.fakes.katib_trials import FakeTrial, Outcome

Condition = api_pb2.TrialStatus
_DEADLINE_SECONDS = 60
_MAX_RETRIES = 10
_RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
# Every other code is accepted in silence (suggestionclient.go:217-245).
_TERMINAL = (
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE,
)  # fmt: skip


class ValidationFailedError(Exception):
    """The Suggestion, and with it the Experiment, has failed for good."""


class Service(Protocol):
    """Where the service is; it may move when it is restarted."""

    @property
    def port(self) -> int: ...

    def restart(self, number: signal.Signals) -> None: ...


@dataclass(frozen=True)
class Faults:
    """How often something goes wrong, as probabilities of a reconcile or of a trial.

    Attributes:
        dropped: A reply is lost by a conflict or a stale cache, and the request issued again.
        missing: The newest trials are not yet in the cached list that a request is made from.
        restart: The service's process is ended before a call: killed, or asked to.
        unanswered: A call finds nobody, and Katib comes back later.
        shuffled: The trials of a request are in another order.
        foreign: Trials of other Experiments of the same name, in every request.
        outcomes: What becomes of a trial that would have succeeded, with its probability.
        deleted: A trial is deleted by hand and made again with its name and values.
    """

    dropped: float = 0.0
    missing: float = 0.0
    restart: float = 0.0
    unanswered: float = 0.0
    shuffled: float = 0.0
    foreign: Sequence[api_pb2.Trial] = ()
    outcomes: Mapping[Outcome, float] = field(default_factory=dict)
    deleted: float = 0.0


@dataclass
class KatibExperiment:
    """One Experiment from its creation to its end.

    Attributes:
        spec: As Katib sends it; ``parallel_trial_count`` and ``max_trial_count`` are set.
        objective: The truth of a configuration; None where it does not run.
        size: Number of configurations of the space, infinite when one is continuous.
        seed: Of the faults and of the order in which trials end.
        replies: Every reply that was taken, as lists of assignments.
        num_repeats: Suggestions of a point that a visible trial already had.
    """

    spec: api_pb2.Experiment
    objective: Callable[[Mapping[str, str]], float | None]
    size: float
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    trials: list[FakeTrial] = field(default_factory=list)
    suggestions: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    num_repeats: int = 0
    num_dropped: int = 0
    num_restarts: int = 0
    num_unanswered: int = 0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def run(self, service: Service, max_reconciles: int = 2000) -> None:
        """Validates and reconciles until the Experiment has ended."""
        self.validate(service)
        for _ in range(max_reconciles):
            if self.is_done:
                return
            self.reconcile(service)
        raise AssertionError(f"{self.spec.name} is stuck with {len(self.trials)} trials")

    @property
    def is_done(self) -> bool:
        return sum(trial.is_ended for trial in self.trials) >= self.spec.spec.max_trial_count

    @property
    def best(self) -> float:
        """The best true objective among the succeeded trials; 0 when there is none."""
        ended = [t.truth for t in self.trials if t.condition == Condition.SUCCEEDED]
        return max((truth for truth in ended if truth is not None), default=0.0)

    def validate(self, service: Service) -> None:
        """suggestionclient.go:201-246: ready, retried, and judged by the status code."""
        request = api_pb2.ValidateAlgorithmSettingsRequest(experiment=self.spec)
        for attempt in range(_MAX_RETRIES + 1):
            try:
                with _stub(service) as stub:
                    stub.ValidateAlgorithmSettings(
                        request, timeout=_DEADLINE_SECONDS, wait_for_ready=True
                    )
                return
            except grpc.RpcError as error:
                if error.code() in _RETRIED and attempt < _MAX_RETRIES:
                    time.sleep(0.01 * (attempt + 1))
                elif error.code() in _TERMINAL:
                    raise ValidationFailedError(error.details()) from None
                else:
                    return

    def reconcile(self, service: Service) -> None:
        """Ends a trial or a few, asks for suggestions if there is room, and makes their trials."""
        self._end_some()
        spec = self.spec.spec
        # Katib leaves trials without metrics out here, though not when it ends an Experiment.
        completed = sum(t.is_ended and t.is_visible for t in self.trials)
        active = sum(not t.is_ended for t in self.trials)
        added = min(spec.max_trial_count - completed, spec.parallel_trial_count) - active
        unseen = sum(t.is_early_stopped_unseen for t in self.trials)
        requests = len(self.trials) + max(0, added) - unseen
        if requests > len(self.suggestions):
            self._sync(service, requests)
        known = {trial.name for trial in self.trials}
        for name, assignments in self.suggestions:
            if name not in known:
                self.trials.append(FakeTrial(name, assignments, self.objective(assignments)))
        if self.trials and self._rng.random() < self.faults.deleted:
            self._rng.choice(self.trials).reset()

    def _sync(self, service: Service, requests: int) -> None:
        if self._rng.random() < self.faults.restart:
            service.restart((signal.SIGTERM, signal.SIGKILL)[self.num_restarts % 2])
            self.num_restarts += 1
        request = self._request(requests)
        if self._rng.random() < self.faults.unanswered:
            # An error of GetSuggestions is an event and a later reconcile, no end.
            with _stub(_Nowhere()) as nobody, contextlib.suppress(grpc.RpcError):
                nobody.GetSuggestions(request, timeout=1)
                raise AssertionError("somebody answered")
            self.num_unanswered += 1
            return
        reply = self._ask(service, request)
        if self._rng.random() < self.faults.dropped:
            # The same again, from trials in another order: the reply must be the same.
            self.num_dropped += 1
            trials = self._rng.sample(list(request.trials), len(request.trials))
            del request.trials[:]
            request.trials.extend(trials)
            assert self._ask(service, request) == reply, "the reply to a repeated request changed"
        found = [{a.name: a.value for a in s.assignments} for s in reply.parameter_assignments]
        self._check(found, request)
        for setting in reply.algorithm.algorithm_settings:
            self.settings[setting.name] = setting.value
        for assignments in found:
            suffix = "".join(self._rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=8))
            self.suggestions.append((f"{self.spec.name}-{suffix}", assignments))

    def _request(self, requests: int) -> api_pb2.GetSuggestionsRequest:
        visible = [trial for trial in self.trials if trial.is_visible]
        if visible and self._rng.random() < self.faults.missing:
            visible = visible[: -self._rng.randint(1, 2)]
        trials = [trial.proto() for trial in visible] + list(self.faults.foreign)
        if self._rng.random() < self.faults.shuffled:
            self._rng.shuffle(trials)
        request = api_pb2.GetSuggestionsRequest(
            experiment=self.spec,
            trials=trials,
            current_request_number=requests - len(self.suggestions),
            total_request_number=requests,
        )
        algorithm = request.experiment.spec.algorithm
        for name, value in self.settings.items():
            algorithm.algorithm_settings.add(name=name, value=value)
        return request

    def _ask(
        self, service: Service, request: api_pb2.GetSuggestionsRequest
    ) -> api_pb2.GetSuggestionsReply:
        """suggestionclient.go:84-128: a connection of its own, one attempt, a deadline."""
        with _stub(service) as stub:
            reply = stub.GetSuggestions(request, timeout=_DEADLINE_SECONDS)
        if len(reply.parameter_assignments) != request.current_request_number:
            raise AssertionError("The response contains unexpected trials")
        return reply

    def _check(
        self, found: Iterable[Mapping[str, str]], request: api_pb2.GetSuggestionsRequest
    ) -> None:
        """No point twice while there are others, and every parameter once, in the spec's order."""
        names = [p.name for p in self.spec.spec.parameter_specs.parameters]
        held = {
            tuple(pair.value for pair in trial.spec.parameter_assignments.assignments)
            for trial in request.trials
            if [p.name for p in trial.spec.parameter_assignments.assignments] == names
        }
        for assignments in found:
            assert list(assignments) == names
            point = tuple(assignments.values())
            if point in held:
                self.num_repeats += 1
                assert len(held) >= self.size, f"{point} again, with {len(held)} of {self.size}"
            held.add(point)

    def _end_some(self) -> None:
        active = [trial for trial in self.trials if not trial.is_ended]
        for trial in active:
            trial.condition = Condition.RUNNING
        for trial in self._rng.sample(active, min(len(active), self._rng.randint(1, 3))):
            outcome = Outcome.SUCCEEDED
            drawn = self._rng.random()
            for other, probability in self.faults.outcomes.items():
                drawn -= probability
                if drawn < 0:
                    outcome = other
                    break
            trial.end(outcome, order=sum(t.is_ended for t in self.trials))


class _Nowhere:
    """An address where nobody listens."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def restart(self, number: signal.Signals) -> None:
        """There is nothing to restart."""


class _stub:  # noqa: N801, a function in all but name
    """A channel of its own a call, as Katib's client makes one."""

    def __init__(self, service: Service) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{service.port}")

    def __enter__(self) -> api_pb2_grpc.SuggestionStub:
        return api_pb2_grpc.SuggestionStub(self._channel)

    def __exit__(self, *_: object) -> None:
        self._channel.close()
