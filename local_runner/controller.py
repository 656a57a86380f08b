"""Plays Katib's controllers: asks for suggestions, runs trials, decides when it is over.

Counters: pkg/controller.v1beta1/experiment/experiment_controller.go:286-342 and 457-480; the end:
pkg/controller.v1beta1/experiment/util/status_util.go:189-246, both in Katib.
"""

import math
import os
import secrets
import shutil
import string
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from local_runner import wire
from local_runner.experiment import Experiment
from local_runner.launch import LaunchError, Place, plan_trial
from local_runner.machine import Machine
from local_runner.observation_store import MetricRow, ObservationStore
from local_runner.pod import PodError, pod_of
from local_runner.processes import free_port
from local_runner.state import RunState, TrialState, now
from local_runner.suggestion_service import SuggestionService
from local_runner.template import TemplateError, render
from local_runner.trial_run import TrialOutcome, TrialStoppedError, run_trial

_TICK_SECONDS = 0.25
_NAME_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that one run works with.

    Attributes:
        experiment: What to run.
        machine: Where images and models are.
        folder: The run's folder.
        state: Trials on disk.
        observations: Reported metrics.
        service: The suggestion service.
        db_address: ``host:port`` of the embedded DBManager.
        stop: Set to end the run early.
        on_change: Called with all trials whenever one has changed, and at every tick.
    """

    experiment: Experiment
    machine: Machine
    folder: Path
    state: RunState
    observations: ObservationStore
    service: SuggestionService
    db_address: str
    stop: threading.Event
    on_change: Callable[[Sequence[TrialState]], None]


@dataclass(frozen=True)
class End:
    """How an Experiment ended."""

    has_succeeded: bool
    message: str


def run_experiment(run: Run) -> End | None:
    """Runs trials until the Experiment is over.

    Returns:
        How it ended; None when ``run.stop`` was set first.

    Raises:
        SuggestionServiceError: the service keeps failing.
        RefusedError: the service refuses the Experiment.
    """
    slots = run.experiment.spec.parallel_trial_count
    for name in run.state.reopen():
        run.observations.delete(name)
        shutil.rmtree(run.folder / "trials" / name, ignore_errors=True)
    running: dict[Future[None], int] = {}
    with ThreadPoolExecutor(slots) as pool:
        try:
            while not run.stop.is_set():
                trials = run.state.trials()
                run.on_change(trials)
                end = end_of(run.experiment, trials)
                if end is not None:
                    return end
                # A trial is completed on disk a moment before its slot is free again.
                free = sorted(set(range(slots)) - set(running.values()))
                created = [trial for trial in trials if trial.condition == "Created"]
                for trial, slot in zip(created, free, strict=False):
                    run.state.save(replace(trial, condition="Running", start_time=now()))
                    running[pool.submit(_run_one, run, trial, slot)] = slot
                count = num_to_add(run.experiment, trials)
                if count > 0:
                    _add_trials(run, trials, count)
                    continue
                done, _ = wait(running, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    future.result()
        finally:
            run.stop.set()
    return None


def num_to_add(experiment: Experiment, trials: Sequence[TrialState]) -> int:
    """How many trials Katib would ask for now."""
    spec = experiment.spec
    completed = sum(trial.is_completed for trial in trials)
    active = len(trials) - completed
    left = math.inf if spec.max_trial_count is None else spec.max_trial_count - completed
    return int(max(0, min(left, spec.parallel_trial_count) - active))


def end_of(experiment: Experiment, trials: Sequence[TrialState]) -> End | None:
    """Whether the Experiment is over: goal, failures, then the number of trials."""
    spec = experiment.spec
    objective = spec.objective
    if objective.goal is not None:
        values = [objective_of(experiment, trial) for trial in trials]
        reached = [v for v in values if v is not None and _reaches(v, objective.goal, experiment)]
        if reached:
            return End(True, f"The goal {objective.goal:g} has been reached.")
    failed = sum(trial.condition in ("Failed", "MetricsUnavailable") for trial in trials)
    if spec.max_failed_trial_count is not None and failed > spec.max_failed_trial_count:
        return End(
            False,
            f"maxFailedTrialCount {spec.max_failed_trial_count} must hold, "
            f"but {failed} trials failed.",
        )
    completed = sum(trial.is_completed for trial in trials)
    if spec.max_trial_count is not None and completed >= spec.max_trial_count:
        if completed == failed:
            return End(False, f"All {failed} trials failed.")
        return End(True, f"All {completed} trials are done.")
    return None


def objective_of(experiment: Experiment, trial: TrialState) -> float | None:
    """The objective of a succeeded trial; None without a finite number."""
    objective = experiment.spec.objective
    name = objective.objective_metric_name
    if trial.condition != "Succeeded" or name not in trial.metrics:
        return None
    try:
        value = float(trial.metrics[name][objective.strategy(name)])
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _reaches(value: float, goal: float, experiment: Experiment) -> bool:
    return value >= goal if experiment.spec.objective.type == "maximize" else value <= goal


def _add_trials(run: Run, trials: Sequence[TrialState], count: int) -> None:
    start = time.monotonic()
    reply = run.service.suggest(wire.suggestions_request(run.experiment, trials, count))
    for entry, assignments in zip(
        reply.parameter_assignments, wire.assignments_from_reply(reply), strict=True
    ):
        suffix = "".join(secrets.choice(_NAME_LETTERS) for _ in range(8))
        name = entry.trial_name or f"{run.experiment.name}-{suffix}"
        run.state.save(TrialState(name=name, assignments=assignments))
    run.state.add_seconds("suggestion", time.monotonic() - start)


def _run_one(run: Run, trial: TrialState, slot: int) -> None:
    started = replace(trial, condition="Running", start_time=now())
    try:
        outcome = _outcome(run, trial, slot)
    except TrialStoppedError:
        return
    except (PodError, LaunchError, TemplateError, OSError) as error:
        outcome = TrialOutcome(failure=str(error), rows=(), report=None)
    metrics = observation(run.experiment, outcome.rows)
    is_measured = run.experiment.spec.objective.objective_metric_name in metrics
    ended: TrialState = replace(
        started,
        completion_time=now(),
        metrics=metrics,
        message=outcome.failure,
        phase_seconds=outcome.phase_seconds,
    )
    if outcome.failure:
        ended = replace(ended, condition="Failed")
    elif is_measured:
        ended = replace(ended, condition="Succeeded")
    else:
        ended = replace(
            ended, condition="MetricsUnavailable", message="the objective was not reported"
        )
    run.state.save(ended)


def _outcome(run: Run, trial: TrialState, slot: int) -> TrialOutcome:
    experiment = run.experiment
    service = render(
        experiment.spec.trial_template,
        trial.assignments,
        trial.name,
        experiment.metadata.namespace,
    )
    place = Place(
        folder=(run.folder / "trials" / trial.name).resolve(),
        db_address=run.db_address,
        cores=_cores(slot),
        allot_port=free_port,
    )
    plan = plan_trial(experiment, pod_of(experiment, service), run.machine, place)
    return run_trial(plan, lambda: run.observations.rows(trial.name), run.stop)


def _cores(slot: int) -> tuple[int, ...]:
    """This machine's cores, a different one first for each slot; none without affinity."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    cores = sorted(os.sched_getaffinity(0))
    first = slot % len(cores)
    return tuple(cores[first:] + cores[:first])


def observation(experiment: Experiment, rows: Sequence[MetricRow]) -> dict[str, dict[str, str]]:
    """Min, max and latest of each declared metric (trial_controller_util.go:192-244 in Katib)."""
    result: dict[str, dict[str, str]] = {}
    for name in experiment.spec.objective.metric_names:
        values = [row.value for row in rows if row.name == name]
        numbers = [value for value in values if _is_number(value)]
        if values:
            result[name] = {
                "min": min(numbers, key=float, default=values[-1]),
                "max": max(numbers, key=float, default=values[-1]),
                "latest": values[-1],
            }
    return result


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
