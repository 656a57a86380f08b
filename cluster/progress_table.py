"""How an Experiment's progress is shown: a table, and a line an event."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.trial_records import COMPLETED, ExperimentState
from experiment_report import ExperimentRecord, TrialRecord, readable

_SHOWN_METRICS = ("peak_rps", "latency_p99_ms", "cost")
_OVERDUE_FACTOR = 3


def progress(state: ExperimentState, *, num_rows: int | None = None) -> Group:
    """The table of trials and the lines below it.

    Args:
        state: The Experiment.
        num_rows: Show so many of the latest trials, and the best; None shows all.
    """
    return Group(_table(state.record, num_rows), Text("\n".join(summary(state))))


def summary(state: ExperimentState) -> list[str]:
    """Lines that say how far the Experiment is, what is best so far and what is amiss."""
    record = state.record
    completed = sum(trial.condition in COMPLETED for trial in record.trials)
    counts = f"{completed}/{state.max_trial_count or '?'} trials"
    running = sum(trial.condition == "Running" for trial in record.trials)
    lines = [f"{state.condition or 'New'}, {counts}{f', {running} running' if running else ''}"]
    if record.is_finished:
        lines.append(record.status_message)
    best = record.best
    if best:
        value = readable(record.objective(best))
        lines.append(f"best so far: {record.objective_metric} {value}, {_assigned(best)}")
    return [*lines, *state.notes, *_overdue(record)]


def trial_line(state: ExperimentState, number: int, trial: TrialRecord) -> str:
    """One trial on a line, where no table can be redrawn."""
    record = state.record
    parts = [f"trial {number}/{state.max_trial_count or '?'}", trial.condition, _assigned(trial)]
    names = (record.objective_metric, *_other_metrics(record))
    parts += [f"{name}={readable(trial.metrics[name])}" for name in names if name in trial.metrics]
    return "  ".join(parts + ([trial.message] if trial.message else []))


def _overdue(record: ExperimentRecord) -> list[str]:
    """Katib knows no limit to a trial's time, so that a stuck one shows by its age only."""
    longest = max((trial.seconds for trial in record.trials), default=0.0)
    lines = []
    for trial in record.trials:
        if trial.condition == "Running" and trial.start_time and longest:
            seconds = (datetime.now(UTC) - trial.start_time).total_seconds()
            if seconds > _OVERDUE_FACTOR * longest:
                lines.append(
                    f"{trial.name} runs for {seconds:.0f} s, the longest trial took "
                    f"{longest:.0f} s: it may hang (docs/troubleshooting.md)."
                )
    return lines


def _table(record: ExperimentRecord, num_rows: int | None) -> Table:
    metrics = (record.objective_metric, *_other_metrics(record))
    table = Table(title=f"{record.name}: {record.direction} {record.objective_metric}")
    table.add_column("#", justify="right")
    for parameter in record.parameters:
        table.add_column(parameter.name, justify="right", overflow="fold")
    for name in metrics:
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("s", justify="right")
    table.add_column("condition", overflow="fold")
    best = record.best
    hidden = 0 if num_rows is None else len(record.trials) - num_rows
    for number, trial in enumerate(record.trials, 1):
        if number <= hidden and trial is not best:
            continue
        cells = [trial.assignments.get(p.name, "") for p in record.parameters]
        cells += [readable(trial.metrics.get(name)) for name in metrics]
        message = f": {trial.message}" if trial.message else ""
        style = "bold green" if trial is best else ""
        table.add_row(
            str(number), *cells, _seconds(trial), f"{trial.condition}{message}", style=style
        )
    return table


def _other_metrics(record: ExperimentRecord) -> Sequence[str]:
    seen = {name for trial in record.trials for name in trial.metrics}
    return [n for n in _SHOWN_METRICS if n in seen and n != record.objective_metric]


def _assigned(trial: TrialRecord) -> str:
    return " ".join(f"{name}={value}" for name, value in trial.assignments.items())


def _seconds(trial: TrialRecord) -> str:
    if trial.start_time is None:
        return ""
    end = trial.completion_time or datetime.now(UTC)
    return f"{(end - trial.start_time).total_seconds():.0f}"
