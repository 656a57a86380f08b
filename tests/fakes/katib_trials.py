"""A trial of Katib's and what may become of it (trial_controller_util.go, suggestionclient.go)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from protos.katib import api_pb2

Condition = api_pb2.TrialStatus
_METRIC = "rps"
_ZERO_TIME = "0001-01-01T00:00:00Z"


class Outcome(enum.Enum):
    """How a trial ends; the value is what its objective then reads, None for the truth."""

    SUCCEEDED = ("SUCCEEDED", None)
    NOT_A_NUMBER = ("SUCCEEDED", "NaN")
    INFINITE = ("SUCCEEDED", "+Inf")
    UNPARSABLE = ("SUCCEEDED", "12 rps")
    UNAVAILABLE = ("METRICSUNAVAILABLE", "unavailable")
    FAILED = ("FAILED", "")
    KILLED = ("KILLED", "")
    EARLY_STOPPED = ("EARLYSTOPPED", None)
    EARLY_STOPPED_UNSEEN = ("EARLYSTOPPED", "")


@dataclass
class FakeTrial:
    """One trial; ``truth`` is its objective, None where the service does not run."""

    name: str
    assignments: Mapping[str, str]
    truth: float | None
    condition: int = Condition.CREATED
    observed: str = ""
    completion_time: str = _ZERO_TIME

    @property
    def is_ended(self) -> bool:
        return self.condition not in (Condition.CREATED, Condition.RUNNING)

    @property
    def is_early_stopped_unseen(self) -> bool:
        return self.condition == Condition.EARLYSTOPPED and not self.observed

    @property
    def is_visible(self) -> bool:
        """Whether requests carry it (suggestionclient.go:338-381)."""
        return self.condition != Condition.METRICSUNAVAILABLE and not self.is_early_stopped_unseen

    def end(self, outcome: Outcome, order: int) -> None:
        """Ends the trial; one that does not run fails whatever was drawn."""
        condition, observed = outcome.value if self.truth is not None else Outcome.FAILED.value
        self.condition = Condition.TrialConditionType.Value(condition)
        self.observed = repr(self.truth) if observed is None else observed
        self.completion_time = f"2026-01-01T{order // 60:02}:{order % 60:02}:00Z"

    def reset(self) -> None:
        """As if deleted by hand: made again with its name and values."""
        self.condition, self.observed = Condition.CREATED, ""
        self.completion_time = _ZERO_TIME

    def proto(self) -> api_pb2.Trial:
        """The trial in a request."""
        built = api_pb2.Trial(name=self.name)
        built.spec.objective.objective_metric_name = _METRIC
        for name, value in self.assignments.items():
            built.spec.parameter_assignments.assignments.add(name=name, value=value)
        built.status.condition = self.condition  # type: ignore[assignment]
        built.status.start_time = "2026-01-01T00:00:00Z"
        built.status.completion_time = self.completion_time
        if self.observed:
            built.status.observation.metrics.add(name=_METRIC, value=self.observed)
        return built
