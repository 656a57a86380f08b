"""State of a run on disk, so that the same command continues after any end."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from local_runner.experiment import Experiment

Condition = Literal["Created", "Running", "Succeeded", "Failed", "MetricsUnavailable"]
COMPLETED: tuple[Condition, ...] = ("Succeeded", "Failed", "MetricsUnavailable")
# What Katib lets a user change of an Experiment (validator.go, ValidateExperiment on update).
_EDITABLE = {"parallel_trial_count", "max_trial_count", "max_failed_trial_count"}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    name TEXT PRIMARY KEY, number INTEGER NOT NULL, fields TEXT NOT NULL
);
"""


class StateError(RuntimeError):
    """The folder belongs to another Experiment; the message says what differs."""


@dataclass(frozen=True, kw_only=True)
class TrialState:
    """One trial, as Katib's Trial resource would show it.

    Attributes:
        name: Name of the trial.
        assignments: Parameter name to value.
        condition: Last condition.
        message: Why it failed; empty otherwise.
        start_time: RFC 3339; empty before the start.
        completion_time: RFC 3339; empty before the end.
        metrics: Metric name to ``{"min", "max", "latest"}``, the numbers as reported.
        phase_seconds: Where the time went.
    """

    name: str
    assignments: Mapping[str, str]
    condition: Condition = "Created"
    message: str = ""
    start_time: str = ""
    completion_time: str = ""
    metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    phase_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_completed(self) -> bool:
        return self.condition in COMPLETED


def now() -> str:
    """The time as Katib writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class RunState:
    """Trials of one run in SQLite; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)

    def claim(self, experiment: Experiment) -> None:
        """Ties the state to an Experiment, or checks that it belongs to this one.

        Raises:
            StateError: the stored Experiment differs in more than its counts.
        """
        fields = experiment.model_dump(mode="json")
        stored = self._get("experiment")
        if stored is not None:
            differing = _differences(json.loads(stored), fields)
            if differing:
                raise StateError(
                    "An Experiment may only change its counts between two runs in one folder, "
                    f"but {', '.join(differing)} changed; give another --output."
                )
        self._set("experiment", json.dumps(fields))

    def trials(self) -> list[TrialState]:
        """All trials in the order of creation."""
        with self._lock:
            found = self._connection.execute("SELECT fields FROM trials ORDER BY number").fetchall()
        return [TrialState(**json.loads(fields)) for (fields,) in found]

    def save(self, trial: TrialState) -> None:
        """Adds or updates a trial."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO trials (name, number, fields) "
                "VALUES (?, (SELECT count(*) FROM trials), ?) "
                "ON CONFLICT (name) DO UPDATE SET fields = excluded.fields",
                [trial.name, json.dumps(asdict(trial))],
            )

    def reopen(self) -> list[str]:
        """Sets trials that were cut off back to Created, and returns their names."""
        cut_off = [trial for trial in self.trials() if not trial.is_completed]
        for trial in cut_off:
            self.save(replace(trial, condition="Created", start_time=""))
        return [trial.name for trial in cut_off]

    def add_seconds(self, phase: str, seconds: float) -> None:
        """Adds to the time that the run as a whole has spent in a phase."""
        phases = self.phase_seconds()
        self._set("phases", json.dumps(phases | {phase: phases.get(phase, 0.0) + seconds}))

    def phase_seconds(self) -> dict[str, float]:
        """Seconds by phase of the run as a whole."""
        return dict(json.loads(self._get("phases") or "{}"))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _get(self, key: str) -> str | None:
        with self._lock:
            row = self._connection.execute("SELECT value FROM run WHERE key = ?", [key]).fetchone()
        return None if row is None else str(row[0])

    def _set(self, key: str, value: str) -> None:
        with self._lock, self._connection:
            self._connection.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", [key, value])


def _differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    specs = [fields["spec"] for fields in (old, new)]
    assert all(isinstance(spec, dict) for spec in specs)
    before, after = (spec for spec in specs if isinstance(spec, dict))
    changed = [f"spec.{key}" for key in after if before.get(key) != after[key]]
    changed = [key for key in changed if key.removeprefix("spec.") not in _EDITABLE]
    return changed + (["metadata"] if old["metadata"] != new["metadata"] else [])
