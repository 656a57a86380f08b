"""Experiments for reports."""

from dataclasses import replace
from datetime import UTC, datetime

from experiment_report import ExperimentRecord, ParameterInfo, TrialRecord
from tests.load_generator.builders import INFEASIBLE
from tests.load_generator.results import report_with

REPORT = report_with((80.0, 10.0), (100.0, 20.0), (120.0, 80.0))

PARAMETERS = (
    ParameterInfo(name="batch", type="discrete", choices=("1", "2", "4")),
    ParameterInfo(name="cores", type="int", min="1", max="4"),
    ParameterInfo(name="delay", type="double", min="0", max="0.5"),
)


def trial(number: int, rate: float | None, *, cost: float = 0.5, **changes: object) -> TrialRecord:
    """A trial with a rate; without one it failed."""
    fields: dict[str, object] = {
        "name": f"e-{number}",
        "assignments": {
            "batch": ("1", "2", "4")[number % 3],
            "cores": str(1 + number % 4),
            "delay": str(number / 20),
        },
        "condition": "Failed" if rate is None else "Succeeded",
        "message": "kserve-container ended with exit code 1: out of memory" if rate is None else "",
        "metrics": {} if rate is None else {"peak_rps": rate, "cost": cost},
        "start_time": datetime(2026, 1, 2, 3, 4, number, tzinfo=UTC),
        "completion_time": datetime(2026, 1, 2, 3, 5, number, tzinfo=UTC),
        "phase_seconds": {"server start": 2.0, "load test": 30.5},
        "load_report": replace(REPORT, peak_rps=rate) if rate else INFEASIBLE,
    }
    return TrialRecord(**{**fields, **changes})  # type: ignore[arg-type]


def record(*trials: TrialRecord, **changes: object) -> ExperimentRecord:
    fields: dict[str, object] = {
        "name": "e",
        "algorithm": "morphling",
        "objective_metric": "peak_rps",
        "direction": "maximize",
        "goal": None,
        "parameters": PARAMETERS,
        "trials": trials,
        "is_finished": True,
        "status_message": "All trials are done.",
        "phase_seconds": {"suggestion": 1.0, "load test": 30.5 * len(trials)},
    }
    return ExperimentRecord(**{**fields, **changes})  # type: ignore[arg-type]
