"""How a trial ends, with real processes."""

import sys
import threading
import time
from pathlib import Path

from local_runner.launch import ContainerLaunch, TrialPlan
from local_runner.observation_store import MetricRow
from local_runner.trial_run import run_trial

ROW = MetricRow("2026-11-29T00:00:00Z", "peak_rps", "0.0")


def plan(folder: Path, code: str) -> TrialPlan:
    server = ContainerLaunch(
        name="kserve-container",
        argv=(sys.executable, "-c", code),
        env={},
        cwd=folder,
        cores=(),
        log_path=folder / "log",
    )
    return TrialPlan(
        containers=(server,), folders=(folder,), copies=(), result_path=folder / "result.json"
    )


def test_reported_metrics_end_it(tmp_path: Path):
    going_on = plan(tmp_path, "import time; time.sleep(60)")
    outcome = run_trial(going_on, lambda: [ROW], threading.Event())
    assert (outcome.failure, outcome.rows) == ("", (ROW,))


def test_a_server_that_has_ended_is_a_failure_even_if_metrics_came_first(tmp_path: Path):
    def reported() -> list[MetricRow]:
        # By now the server is gone, and the load test has found nothing to measure.
        deadline = time.monotonic() + 30
        while "broken" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        return [ROW]

    outcome = run_trial(plan(tmp_path, "exit('broken')"), reported, threading.Event())
    assert outcome.failure == "kserve-container ended with exit code 1: broken"
    assert outcome.rows == ()
