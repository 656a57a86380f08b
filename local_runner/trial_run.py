"""One trial: its pod's processes from start to the first reported metrics."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from load_generator.report import LoadReport, ReportError, read
from local_runner.launch import TrialPlan
from local_runner.observation_store import MetricRow
from local_runner.processes import MAX_RESTARTS, RunningContainer

_POLL_SECONDS = 0.1
_STOP_GRACE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """How a trial ended.

    Attributes:
        failure: Why it failed; empty when metrics were reported.
        rows: What the collector reported.
        report: The load test's result file; None without one.
        phase_seconds: Where the time went: ``server start``, ``load test``, ``stop``.
    """

    failure: str
    rows: tuple[MetricRow, ...]
    report: LoadReport | None
    phase_seconds: dict[str, float] = field(default_factory=dict)


class TrialStoppedError(Exception):
    """The run was asked to stop; the trial has no outcome."""


def run_trial(
    plan: TrialPlan, reported: Callable[[], list[MetricRow]], stop: threading.Event
) -> TrialOutcome:
    """Runs a trial to its end; afterwards none of its processes is left.

    The trial ends at the first reported rows, as in Katib once the success condition holds. It
    fails when the server ends (KServe then says FailedToLoad, which our templates take for
    failure), and when another container keeps ending.

    Args:
        plan: What to run.
        reported: Returns the rows that the trial's collector has reported so far.
        stop: Set when the whole run is to stop.

    Raises:
        TrialStoppedError: ``stop`` was set.
        OSError: a folder cannot be made, a model not be copied, or a process not be started.
    """
    start = time.monotonic()
    for folder in plan.folders:
        folder.mkdir(parents=True, exist_ok=True)
    for source, target in plan.copies:
        shutil.copytree(source, target, dirs_exist_ok=True)
    containers: list[RunningContainer] = []
    try:
        containers += [RunningContainer(launch) for launch in plan.containers]
        failure, rows = _watch(containers, reported, stop)
    finally:
        tested = time.monotonic()
        for container in containers:
            container.request_stop()
        for container in containers:
            container.stop(_STOP_GRACE_SECONDS)
    report = _report(plan)
    waited = min(report.wait_seconds, tested - start) if report else 0.0
    phases = {
        "server start": waited,
        "load test": tested - start - waited,
        "stop": time.monotonic() - tested,
    }
    return TrialOutcome(failure=failure, rows=tuple(rows), report=report, phase_seconds=phases)


def _watch(
    containers: list[RunningContainer],
    reported: Callable[[], list[MetricRow]],
    stop: threading.Event,
) -> tuple[str, list[MetricRow]]:
    while not stop.wait(_POLL_SECONDS):
        rows = reported()
        # The load test may have noticed first and reported 0: it is a failure all the same.
        failure = _server_ending(containers)
        if rows or failure:
            return failure, [] if failure else rows
        if failure := _other_ending(containers):
            return failure, []
    raise TrialStoppedError


def _server_ending(containers: list[RunningContainer]) -> str:
    for container in containers:
        if container.launch.is_server and (code := container.exit_code()) is not None:
            name = container.launch.name
            return f"{name} ended with exit code {code}: {container.log_tail()}"
    return ""


def _other_ending(containers: list[RunningContainer]) -> str:
    """Starts the other containers again, as a kubelet does; says which ends all the time."""
    for container in containers:
        code = container.exit_code()
        if container.launch.is_server or code is None:
            continue
        if container.num_restarts >= MAX_RESTARTS:
            return (
                f"{container.launch.name} ended {MAX_RESTARTS + 1} times, last with exit code "
                f"{code}: {container.log_tail()}"
            )
        container.keep_alive()
    return ""


def _report(plan: TrialPlan) -> LoadReport | None:
    try:
        return read(plan.result_path)
    except (OSError, ReportError):
        return None
