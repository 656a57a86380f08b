"""Shows a run: a live table on a terminal, or one line an event elsewhere."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from experiment_report import readable
from local_runner.controller import objective_of
from local_runner.experiment import Experiment
from local_runner.record import metrics_of
from local_runner.state import TrialState

_TAIL_BYTES = 600
_SHOWN_METRICS = ("peak_rps", "latency_p99_ms", "cost")


class RunView:
    """Shows trials as they change; use as a context manager.

    Args:
        experiment: What runs.
        folder: The run's folder, whose logs tell what a trial does right now.
        console: Where to show.
        is_live: Redraw a table; otherwise print a line an event.
    """

    def __init__(
        self, experiment: Experiment, folder: Path, console: Console, is_live: bool
    ) -> None:
        self._experiment, self._folder, self._console = experiment, folder, console
        self._live = Live(console=console, auto_refresh=False) if is_live else None
        self._seen: dict[str, str] = {}
        self._start = time.monotonic()
        self._num_done_before: int | None = None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def update(self, trials: Sequence[TrialState]) -> None:
        """Shows the trials as they are now."""
        if self._num_done_before is None:
            self._num_done_before = sum(trial.is_completed for trial in trials)
        if self._live:
            self._live.update(Group(self._table(trials), self._footer(trials)), refresh=True)
            return
        for number, trial in enumerate(trials, 1):
            if trial.condition != "Created" and self._seen.get(trial.name) != trial.condition:
                self._seen[trial.name] = trial.condition
                self._console.print(self._line(number, trial), highlight=False, soft_wrap=True)

    def _line(self, number: int, trial: TrialState) -> str:
        spec = self._experiment.spec
        knobs = " ".join(f"{name}={value}" for name, value in trial.assignments.items())
        parts = [f"trial {number}/{spec.max_trial_count or '?'}", trial.condition, knobs]
        value = objective_of(self._experiment, trial)
        if value is not None:
            parts.append(f"{spec.objective.objective_metric_name}={readable(value)}")
        metrics = metrics_of(self._experiment, trial)
        parts += [
            f"{name}={readable(metrics[name])}"
            for name in _SHOWN_METRICS
            if name in metrics and name != spec.objective.objective_metric_name
        ]
        return "  ".join(parts + ([trial.message] if trial.message else []))

    def _table(self, trials: Sequence[TrialState]) -> Table:
        spec = self._experiment.spec
        objective = spec.objective.objective_metric_name
        shown = [n for n in _SHOWN_METRICS if n in spec.objective.metric_names and n != objective]
        table = Table(title=f"{self._experiment.name}: {spec.objective.type} {objective}")
        table.add_column("#", justify="right")
        for parameter in spec.parameters:
            table.add_column(parameter.name, justify="right", overflow="fold")
        for name in (objective, *shown):
            table.add_column(name, justify="right", overflow="fold")
        table.add_column("s", justify="right")
        table.add_column("condition")
        best = self._best(trials)
        # The terminal's height is what fits; the last trials and the best are what counts.
        room = max(5, self._console.height - 8)
        for number, trial in list(enumerate(trials, 1)):
            if number <= len(trials) - room and trial is not best:
                continue
            metrics = metrics_of(self._experiment, trial)
            cells = [trial.assignments.get(p.name, "") for p in spec.parameters]
            cells += [readable(metrics.get(name)) for name in (objective, *shown)]
            style = "bold green" if trial is best else ""
            table.add_row(str(number), *cells, _seconds(trial), _condition(trial), style=style)
        return table

    def _footer(self, trials: Sequence[TrialState]) -> Text:
        done = sum(trial.is_completed for trial in trials)
        total = self._experiment.spec.max_trial_count
        elapsed = time.monotonic() - self._start
        text = f"{done}/{total or '?'} trials, {elapsed:.0f} s"
        fresh = done - (self._num_done_before or 0)
        if total and fresh > 0 and done < total:
            text += f", about {elapsed / fresh * (total - done):.0f} s left"
        for trial in trials:
            if trial.condition == "Running":
                text += f"\n{trial.name}: {self._now(trial)}"
        return Text(text, style="dim")

    def _now(self, trial: TrialState) -> str:
        """The load generator's last line."""
        primary = self._experiment.spec.trial_template.primary_container_name
        path = self._folder / "trials" / trial.name / f"{primary}.log"
        try:
            lines = path.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return " ".join(lines[-1].split()) if lines else "waiting for the server"

    def _best(self, trials: Sequence[TrialState]) -> TrialState | None:
        sign = 1 if self._experiment.spec.objective.type == "maximize" else -1
        values = [(objective_of(self._experiment, trial), trial) for trial in trials]
        known = [(sign * value, trial) for value, trial in values if value]
        return max(known, key=lambda pair: pair[0])[1] if known else None


def _seconds(trial: TrialState) -> str:
    if trial.is_completed:
        return f"{sum(trial.phase_seconds.values()):.0f}"
    if not trial.start_time:
        return ""
    return f"{(datetime.now(UTC) - datetime.fromisoformat(trial.start_time)).total_seconds():.0f}"


def _condition(trial: TrialState) -> str:
    return f"{trial.condition}: {trial.message[:60]}" if trial.message else trial.condition
