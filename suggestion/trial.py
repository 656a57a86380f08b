"""Trials as the search sees them: frozen values that know nothing of the wire."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

_LARGEST_VALUE = 1e150


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
    not run there; a flag, never a value. UNUSABLE: it ended without a value that can be used.
    """

    PENDING = "pending"
    MEASURED = "measured"
    INFEASIBLE = "infeasible"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class Trial:
    """One trial of the request.

    Attributes:
        name: Name of the trial, unique within an Experiment.
        assignments: Parameter name to value, as text.
        state: What the trial can teach.
        value: The objective; None unless measured.
        completion_time: RFC 3339 in UTC, which sorts as text; empty while it runs.
        is_prior: Whether it was measured before the Experiment, which has no trial there.
        problem: Why the value cannot be used; empty unless unusable.
    """

    name: str
    assignments: Mapping[str, str]
    state: TrialState
    value: float | None = None
    completion_time: str = ""
    is_prior: bool = False
    problem: str = ""

    def __post_init__(self) -> None:
        if (self.value is not None) != (self.state is TrialState.MEASURED):
            raise ValueError(
                f"A trial has a value exactly when it is measured, "
                f"but {self.name} is {self.state.value} with {self.value}."
            )


def observed_number(text: str) -> float | None:
    """The value that a text gives for an objective; None when it is no finite number.

    Nor may it be larger than any arithmetic on it could bear.
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < _LARGEST_VALUE else None
