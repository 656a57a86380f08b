"""Trials as the search sees them: frozen values that know nothing of the wire."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Direction(enum.Enum):
    """Which way the objective is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


@dataclass(frozen=True)
class Objective:
    """The metric to optimise."""

    metric_name: str
    direction: Direction


class TrialState(enum.Enum):
    """What a trial can teach the search.

    PENDING: it holds its point, its value is to come. MEASURED: it has a value. INFEASIBLE: it does
    not run there: Failed, Killed, or a rate of exactly 0; a flag, never a value. IGNORED: it ended
    without a usable value.
    """

    PENDING = "pending"
    MEASURED = "measured"
    INFEASIBLE = "infeasible"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Trial:
    """One trial of the request.

    Attributes:
        name: Name of the trial, unique within an Experiment.
        assignments: Parameter name to value, as text.
        state: What the trial can teach.
        value: The objective; None unless measured.
        completion_time: RFC 3339 in UTC, which sorts as text; empty while it runs.
    """

    name: str
    assignments: Mapping[str, str]
    state: TrialState
    value: float | None = None
    completion_time: str = ""

    def __post_init__(self) -> None:
        if (self.value is not None) != (self.state is TrialState.MEASURED):
            raise ValueError(
                f"A trial has a value exactly when it is measured, "
                f"but {self.name} is {self.state.value} with {self.value}."
            )
