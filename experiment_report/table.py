"""All trials as CSV."""

import csv
import io

from experiment_report.values import ExperimentRecord


def to_csv(record: ExperimentRecord) -> str:
    """One row a trial: name, condition, times, parameters, metrics, seconds by phase, message."""
    parameters = [parameter.name for parameter in record.parameters]
    metrics = sorted({name for trial in record.trials for name in trial.metrics})
    phases = list(dict.fromkeys(name for t in record.trials for name in t.phase_seconds))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["trial", "condition", "start_time", "completion_time", *parameters, *metrics]
        + [f"{phase.replace(' ', '_')}_seconds" for phase in phases]
        + ["message"]
    )
    for trial in record.trials:
        times = (trial.start_time, trial.completion_time)
        writer.writerow(
            [trial.name, trial.condition]
            + [time.isoformat() if time else "" for time in times]
            + [trial.assignments.get(name, "") for name in parameters]
            + [trial.metrics.get(name, "") for name in metrics]
            + [f"{trial.phase_seconds.get(phase, 0):.2f}" for phase in phases]
            + [trial.message]
        )
    return buffer.getvalue()
