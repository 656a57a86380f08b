"""Turns a run's state into what the report shows."""

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from experiment_report import ExperimentRecord, ParameterInfo, TrialRecord
from load_generator.report import LoadReport, ReportError, read
from local_runner.experiment import Experiment
from local_runner.pod import METRICS_VOLUME
from local_runner.state import TrialState

PHASES = ("suggestion", "server start", "load test", "stop")


def experiment_record(
    experiment: Experiment,
    trials: Sequence[TrialState],
    folder: Path,
    *,
    run_phases: dict[str, float],
    is_finished: bool,
    status_message: str,
) -> ExperimentRecord:
    """Builds the record of a run; load tests' results are read from the trials' folders."""
    spec = experiment.spec
    phases = dict.fromkeys(PHASES, 0.0) | run_phases
    for trial in trials:
        for name, seconds in trial.phase_seconds.items():
            phases[name] = phases.get(name, 0.0) + seconds
    return ExperimentRecord(
        name=experiment.name,
        algorithm=spec.algorithm.algorithm_name,
        objective_metric=spec.objective.objective_metric_name,
        direction=spec.objective.type,
        goal=spec.objective.goal,
        parameters=tuple(
            ParameterInfo(
                name=parameter.name,
                type=parameter.parameter_type,
                choices=parameter.feasible_space.list,
                min=parameter.feasible_space.min,
                max=parameter.feasible_space.max,
            )
            for parameter in spec.parameters
        ),
        trials=tuple(_trial(experiment, trial, folder) for trial in trials),
        is_finished=is_finished,
        status_message=status_message,
        phase_seconds=phases,
    )


def _trial(experiment: Experiment, trial: TrialState, folder: Path) -> TrialRecord:
    return TrialRecord(
        name=trial.name,
        assignments=trial.assignments,
        condition=trial.condition,
        message=trial.message,
        metrics=metrics_of(experiment, trial),
        start_time=_time(trial.start_time),
        completion_time=_time(trial.completion_time),
        phase_seconds=trial.phase_seconds,
        load_report=_load_report(experiment, trial, folder),
    )


def metrics_of(experiment: Experiment, trial: TrialState) -> dict[str, float]:
    """The finite numbers of a trial's observation, by metric strategy."""
    values = {}
    for name, choices in trial.metrics.items():
        try:
            value = float(choices[experiment.spec.objective.strategy(name)])
        except ValueError:
            continue
        if math.isfinite(value):
            values[name] = value
    return values


def _load_report(experiment: Experiment, trial: TrialState, folder: Path) -> LoadReport | None:
    name = Path(experiment.spec.metrics_collector_spec.source.file_system_path.path).name
    try:
        return read(folder / "trials" / trial.name / "volumes" / METRICS_VOLUME / name)
    except (OSError, ReportError):
        return None


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
