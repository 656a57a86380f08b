"""Observation logs in SQLite: the table of Katib's database, for one Experiment."""

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS observation_logs (
    trial_name TEXT NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    metric_name TEXT NOT NULL,
    value TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class MetricRow:
    """One row: an RFC 3339 time, the metric's name and its value as text."""

    time: str
    name: str
    value: str


class ObservationStore:
    """Rows by trial; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        with self._connection:
            self._connection.execute(_SCHEMA)

    def report(self, trial_name: str, rows: Sequence[MetricRow]) -> None:
        """Adds all rows or none. Rows without a time are skipped, as Katib does.

        Raises:
            ValueError: no row has a time (an SQL error in Katib: mysql.go:67-102).
        """
        timed = [row for row in rows if row.time]
        if not timed:
            raise ValueError(f"A report must hold a row with a time stamp, but got {rows!r:.200}.")
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT INTO observation_logs (trial_name, time, metric_name, value) "
                "VALUES (?, ?, ?, ?)",
                [(trial_name, row.time, row.name, row.value) for row in timed],
            )

    def rows(
        self, trial_name: str, metric_name: str = "", start_time: str = "", end_time: str = ""
    ) -> list[MetricRow]:
        """Rows of a trial in order of time; empty arguments do not filter."""
        query = "SELECT time, metric_name, value FROM observation_logs WHERE trial_name = ?"
        values = [trial_name]
        for condition, value in (
            (" AND metric_name = ?", metric_name),
            (" AND time >= ?", start_time),
            (" AND time <= ?", end_time),
        ):
            if value:
                query += condition
                values.append(value)
        with self._lock:
            found = self._connection.execute(f"{query} ORDER BY time, id", values).fetchall()
        return [MetricRow(*row) for row in found]

    def delete(self, trial_name: str) -> None:
        """Deletes the rows of a trial."""
        with self._lock, self._connection:
            self._connection.execute(
                "DELETE FROM observation_logs WHERE trial_name = ?", [trial_name]
            )

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()
