"""What a report shows: values that any source of Experiments can fill."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from load_generator.report import LoadReport


@dataclass(frozen=True, kw_only=True)
class ParameterInfo:
    """A tunable parameter. ``choices`` is empty for a numeric range, which has min and max."""

    name: str
    type: Literal["double", "int", "discrete", "categorical"]
    choices: tuple[str, ...] = ()
    min: str = ""
    max: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial.

    Attributes:
        name: Name of the trial.
        assignments: Parameter name to value.
        condition: Katib's condition, ``Succeeded`` for instance.
        message: Why it failed; empty otherwise.
        metrics: Reported metrics, finite numbers.
        start_time: Start; None before it.
        completion_time: End; None before it.
        phase_seconds: Where the time went.
        load_report: The load test's result; None without one.
    """

    name: str
    assignments: Mapping[str, str]
    condition: str
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    start_time: datetime | None = None
    completion_time: datetime | None = None
    phase_seconds: Mapping[str, float] = field(default_factory=dict)
    load_report: LoadReport | None = None

    @property
    def seconds(self) -> float:
        """Duration of all phases."""
        return sum(self.phase_seconds.values())


@dataclass(frozen=True, kw_only=True)
class ExperimentRecord:
    """One Experiment with its trials in order of creation."""

    name: str
    algorithm: str
    objective_metric: str
    direction: Literal["maximize", "minimize"]
    goal: float | None
    parameters: tuple[ParameterInfo, ...]
    trials: tuple[TrialRecord, ...]
    is_finished: bool
    status_message: str
    phase_seconds: Mapping[str, float]

    def objective(self, trial: TrialRecord) -> float | None:
        """The objective of a trial that runs; None for a failed or infeasible one.

        A rate of exactly 0 under maximize says that the configuration does not run there.
        """
        value = trial.metrics.get(self.objective_metric, math.nan)
        if trial.condition != "Succeeded" or not math.isfinite(value):
            return None
        if value == 0 and self.direction == "maximize":
            return None
        return value

    @property
    def best(self) -> TrialRecord | None:
        """The trial with the best objective; the first of equals; None without any."""
        sign = 1 if self.direction == "maximize" else -1
        ranked = [(self.objective(trial), trial) for trial in self.trials]
        known = [(sign * value, trial) for value, trial in ranked if value is not None]
        return max(known, key=lambda pair: pair[0])[1] if known else None
