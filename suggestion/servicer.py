"""The two RPCs: convert, search, convert. Errors become status codes in one place."""

import contextlib
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import grpc

from protos.katib import api_pb2, api_pb2_grpc
from suggestion import katib
from suggestion.designer import suggest
from suggestion.errors import BusyError, InvalidExperimentError
from suggestion.evidence import evidence_of
from suggestion.metrics import ServiceMetrics
from suggestion.prior_observations import prior_trials
from suggestion.surrogate_choice import Choice, SurrogateChooser
from suggestion.unusable_trials import UnusableTrials

_log = logging.getLogger(__name__)
_MAX_SUGGESTIONS = 10_000
# More searches at once would not end sooner, but keep the interpreter from the health check, whose
# limit in Katib is a second.
_MAX_SEARCHES = 2
# Calls that may be in progress, most of them waiting. The server has more threads than this, so
# that health checks always find one; a call beyond it is told to come again.
MAX_CALLS = 32
T = TypeVar("T")


class SuggestionServicer(api_pb2_grpc.SuggestionServicer):
    """Serves ``api.v1.beta1.Suggestion``. Keeps nothing between calls but metrics."""

    def __init__(self, metrics: ServiceMetrics, chooser: SurrogateChooser) -> None:
        self._metrics = metrics
        self._chooser = chooser
        self._unusable = UnusableTrials(metrics.unusable)
        self._searches = threading.Semaphore(_MAX_SEARCHES)
        self._calls = threading.Semaphore(MAX_CALLS)

    def GetSuggestions(  # noqa: N802, the wire's name
        self, request: api_pb2.GetSuggestionsRequest, context: grpc.ServicerContext
    ) -> api_pb2.GetSuggestionsReply:
        """Returns exactly ``current_request_number`` assignments, from the request alone."""
        return self._answer("GetSuggestions", context, lambda: self._suggest(request))

    def ValidateAlgorithmSettings(  # noqa: N802, the wire's name
        self, request: api_pb2.ValidateAlgorithmSettingsRequest, context: grpc.ServicerContext
    ) -> api_pb2.ValidateAlgorithmSettingsReply:
        """Refuses with INVALID_ARGUMENT whatever could make a later call fail."""
        return self._answer(
            "ValidateAlgorithmSettings", context, lambda: self._validate(request.experiment)
        )

    def _suggest(self, request: api_pb2.GetSuggestionsRequest) -> api_pb2.GetSuggestionsReply:
        start = time.perf_counter()
        experiment = katib.experiment_from_proto(request.experiment)
        count = request.current_request_number
        if not 0 <= count <= _MAX_SUGGESTIONS:
            raise InvalidExperimentError(
                f"0 <= current_request_number <= {_MAX_SUGGESTIONS} must hold, but got {count}."
            )
        trials = [
            *prior_trials(experiment.settings, experiment.space, experiment.objective),
            *katib.trials_from_proto(request.trials, experiment.objective),
        ]
        evidence = evidence_of(experiment.space, trials, experiment.objective.direction)
        self._unusable.report(experiment.name, trials)
        with self._searches:
            choice = self._choose(experiment)
            found = suggest(choice.search, evidence, count)
        states = evidence.counts
        for state, number in states.items():
            self._metrics.trials.labels(state).inc(number)
        self._metrics.suggestions.labels("repeat").inc(found.num_repeats)
        if count > found.num_repeats:
            source = "initial" if found.source == "initial" else choice.search.name
            self._metrics.suggestions.labels(source).inc(count - found.num_repeats)
        if found.num_repeats:
            _log.warning(
                "%s: every configuration has been measured; %d of the best are measured again",
                experiment.name, found.num_repeats,
            )  # fmt: skip
        _log.info(
            "%s: %d suggestions from %s (surrogate %s: %s), trials %s, %.3f s",
            experiment.name, count, found.source, choice.search.name, choice.reason,
            {state: number for state, number in states.items() if number},
            time.perf_counter() - start,
        )  # fmt: skip
        return katib.reply_to_proto(found.assignments, request.experiment.spec.algorithm)

    def _validate(self, experiment: api_pb2.Experiment) -> api_pb2.ValidateAlgorithmSettingsReply:
        values = katib.experiment_from_proto(experiment)
        prior = prior_trials(values.settings, values.space, values.objective)
        if prior:
            _log.info("%s: %d observations from before", values.name, len(prior))
        choice = self._choose(values)
        _log.info("%s: surrogate %s: %s", values.name, choice.search.name, choice.reason)
        if values.budget > values.space.size:
            _log.warning(
                "%s: maxTrialCount %d exceeds the %d configurations; the best will be measured "
                "again", values.name, values.budget, values.space.size,
            )  # fmt: skip
        return api_pb2.ValidateAlgorithmSettingsReply()

    def _choose(self, experiment: katib.ExperimentValues) -> Choice:
        choice = self._chooser.choose(
            experiment.space,
            experiment.objective,
            experiment.settings,
            _seed(experiment.name, experiment.settings.random_state),
            experiment.budget,
        )
        self._metrics.surrogates.labels(choice.search.name).inc()
        return choice

    def _answer(self, method: str, context: grpc.ServicerContext, work: Callable[[], T]) -> T:
        code, details = grpc.StatusCode.OK, ""
        with self._metrics.seconds.labels(method).time():
            try:
                with self._admitted():
                    return work()
            except BusyError as error:
                code, details = grpc.StatusCode.RESOURCE_EXHAUSTED, str(error)
                _log.warning("%s put off: %s", method, details)
            except InvalidExperimentError as error:
                code, details = grpc.StatusCode.INVALID_ARGUMENT, str(error)
                _log.warning("%s refused: %s", method, details)
            except Exception as error:
                # Not UNKNOWN, which an uncaught exception would give: Katib would end the
                # Experiment for good. The cause goes to the log and, in short, to the caller.
                code = grpc.StatusCode.INTERNAL
                details = f"internal error: {type(error).__name__}: {error}"
                _log.exception("%s failed", method)
            finally:
                self._metrics.requests.labels(method, code.name).inc()
        context.abort(code, details)
        raise AssertionError("context.abort returned")

    @contextlib.contextmanager
    def _admitted(self) -> Iterator[None]:
        if not self._calls.acquire(blocking=False):
            raise BusyError(f"At most {MAX_CALLS} calls must be in progress; this is one more.")
        try:
            yield
        finally:
            self._calls.release()


def _seed(experiment_name: str, random_state: int) -> int:
    digest = hashlib.sha256(f"{experiment_name}/{random_state}".encode()).digest()
    return int.from_bytes(digest[:4])
