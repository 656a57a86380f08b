"""Whole Experiments through the command line: real gRPC, real processes, real load tests."""

import csv
import os
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.local_runner.experiments import (
    command,
    experiment,
    load_generator_of,
    processes_of,
    run,
    server_of,
    write,
)


def rows(output: Path) -> list[dict[str, str]]:
    with (output / "report" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def is_loading(output: Path) -> bool:
    """Whether a trial's load generator has done its first probe."""
    return any(log.stat().st_size for log in output.glob("trials/*/load-generator.log"))


def is_probing(output: Path) -> bool:
    """Whether a trial's load generator has done a probe in an open loop."""
    return any("offered" in log.read_text() for log in output.glob("trials/*/load-generator.log"))


def pid_of(output: Path, text: str) -> int:
    """The process itself, not its supervisor: the one whose parent mentions it too."""
    for line in processes_of(output):
        if text in line and "supervisor.py" not in line:
            return int(line.split()[0])
    raise AssertionError(f"no process with {text}")


def test_an_experiment_from_start_to_report(tmp_path: Path):
    output = tmp_path / "out"
    done = run(write(experiment(), tmp_path), output)
    assert done.returncode == 0, done.stderr
    trials = rows(output)
    assert [trial["condition"] for trial in trials] == ["Succeeded"] * 3
    assert len({(t["service_ms"], t["workers"]) for t in trials}) == 3
    for trial in trials:
        capacity = int(trial["workers"]) * 1000 / int(trial["service_ms"])
        assert 0.2 * capacity < float(trial["peak_rps"]) < 1.1 * capacity
        assert float(trial["cost"]) == pytest.approx(0.1 + 0.1 * int(trial["workers"]))
        assert float(trial["latency_p99_ms"]) <= 1000
    best = max(trials, key=lambda trial: float(trial["peak_rps"]))
    assert f"best trial      {best['trial']}" in done.stdout
    assert f"  service_ms = {best['service_ms']}" in done.stdout
    assert "scripted: All 3 trials are done." in done.stdout
    page = (output / "report" / "index.html").read_text()
    assert best["trial"] in page
    assert "<svg" in page
    assert not re.search(r"(src|href)=\"?(http|//)", page)  # self-contained
    assert processes_of(output) == []
    database = sqlite3.connect(output / "observations.sqlite")
    count = database.execute("SELECT count(*) FROM observation_logs").fetchone()[0]
    database.close()
    assert count == 9  # three metrics a trial, reported once


def test_parallel_trials_and_two_experiments_at_once(tmp_path: Path):
    paths = [
        write(experiment(parallelTrialCount=2, maxTrialCount=4), tmp_path / name)
        for name in ("a", "b")
    ]
    started = [
        subprocess.Popen(
            command(path, path.parent / "out"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for path in paths
    ]  # fmt: skip
    for process, path in zip(started, paths, strict=True):
        _, stderr = process.communicate(timeout=100)
        assert process.returncode == 0, stderr
        trials = rows(path.parent / "out")
        assert [trial["condition"] for trial in trials] == ["Succeeded"] * 4
        starts = sorted(trial["start_time"] for trial in trials)
        assert starts[1] <= min(trial["completion_time"] for trial in trials)
        assert processes_of(path.parent) == []


def test_the_goal_ends_the_experiment(tmp_path: Path):
    objective = {**experiment()["spec"]["objective"], "goal": 20.0}
    output = tmp_path / "out"
    done = run(write(experiment(objective=objective), tmp_path), output)
    assert done.returncode == 0
    assert "The goal 20 has been reached." in done.stdout
    assert len(rows(output)) == 1


def test_a_server_that_dies_fails_its_trial_and_then_the_experiment(tmp_path: Path):
    document = experiment()
    server_of(document)["args"].append("--no-such-flag")
    output = tmp_path / "out"
    done = run(write(document, tmp_path), output)
    assert done.returncode == 1
    assert "maxFailedTrialCount 1 must hold, but 2 trials failed." in done.stderr
    trials = rows(output)
    assert [trial["condition"] for trial in trials] == ["Failed", "Failed"]
    assert "kserve-container ended with exit code 2" in trials[0]["message"]
    assert "unrecognized arguments: --no-such-flag" in trials[0]["message"]
    assert processes_of(output) == []


def test_a_slow_server_is_infeasible_and_not_a_failure(tmp_path: Path):
    document = experiment()
    load_generator_of(document)["args"].append("--slo-ms=1")
    output = tmp_path / "out"
    done = run(write(document, tmp_path), output, "--max-trials=1")
    assert rows(output)[0]["condition"] == "Succeeded"
    assert float(rows(output)[0]["peak_rps"]) == 0.0
    assert "No trial has a usable objective." in done.stdout
    assert "The SLO is violated without load" in (output / "report" / "index.html").read_text()


@pytest.mark.parametrize(
    ("victim", "condition"),
    [
        ("tests.fakes.model_server", "Failed"),
        ("morphling-load-generator", "Succeeded"),
        ("morphling-metrics-collector", "Succeeded"),
    ],
)
def test_kill_9_in_mid_trial(victim: str, condition: str, tmp_path: Path):
    output = tmp_path / "out"
    document = experiment(maxTrialCount=1, maxFailedTrialCount=1)
    if condition == "Failed":
        # Without the server the test goes on for a while, or its result might be reported first.
        load_generator_of(document)["args"].append("--max-seconds=10")
    path = write(document, tmp_path)
    process = subprocess.Popen(
        command(path, output), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: (is_probing if condition == "Failed" else is_loading)(output))
    os.kill(pid_of(output, victim), signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert "Traceback" not in stderr
    assert [trial["condition"] for trial in rows(output)] == [condition]
    if condition == "Failed":
        assert "kserve-container ended with exit code 137" in rows(output)[0]["message"]
    database = sqlite3.connect(output / "observations.sqlite")
    count = database.execute("SELECT count(*) FROM observation_logs").fetchone()[0]
    database.close()
    assert count == (0 if condition == "Failed" else 3)
    assert processes_of(output) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind_and_the_same_command_continues(
    number: signal.Signals, code: int, tmp_path: Path
):
    output = tmp_path / "out"
    path = write(experiment(maxTrialCount=2), tmp_path)
    process = subprocess.Popen(
        command(path, output), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: (output / "trials").exists() and len(list((output / "trials").iterdir())) == 2)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (code, "")
    assert "Run the same command again to continue." in stdout
    assert processes_of(output) == []
    before = rows(output)
    assert before[0]["condition"] == "Succeeded"

    done = run(path, output)
    assert done.returncode == 0, done.stderr
    after = rows(output)
    assert after[0] == before[0]
    assert [trial["condition"] for trial in after] == ["Succeeded", "Succeeded"]
    assert after[1]["trial"] == before[1]["trial"]

    again = run(path, output)
    assert again.returncode == 0
    assert rows(output) == after


def test_kill_9_of_the_runner_leaves_no_process_and_a_state_to_continue(tmp_path: Path):
    output = tmp_path / "out"
    path = write(experiment(maxTrialCount=1), tmp_path)
    process = subprocess.Popen(
        command(path, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: is_loading(output))
    process.kill()
    process.wait()
    wait_for(lambda: processes_of(output) == [])
    assert run(path, output).returncode == 0
    assert [trial["condition"] for trial in rows(output)] == ["Succeeded"]


def test_kill_9_of_the_suggestion_service_between_two_calls(tmp_path: Path):
    output = tmp_path / "out"
    path = write(experiment(maxTrialCount=2), tmp_path)
    process = subprocess.Popen(
        command(path, output), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: is_loading(output))
    os.kill(pid_of(output, "-m suggestion"), signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert len(rows(output)) == 2


def test_the_folder_is_for_one_runner_and_one_experiment(tmp_path: Path):
    output = tmp_path / "out"
    path = write(experiment(maxTrialCount=1), tmp_path)
    process = subprocess.Popen(
        command(path, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: is_loading(output))
    process.send_signal(signal.SIGSTOP)  # or it might end before the second begins
    second = run(path, output)
    process.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert "must be free, but another runner works in it" in second.stderr
    assert process.wait(60) == 0

    objective = {**experiment()["spec"]["objective"], "type": "minimize"}
    other = run(write(experiment(objective=objective), tmp_path / "other"), output)
    assert other.returncode == 2
    assert "may only change its counts" in other.stderr
    assert "spec.objective" in other.stderr

    more = run(write(experiment(maxTrialCount=2), tmp_path), output)
    assert more.returncode == 0
    assert len(rows(output)) == 2


def test_the_service_refuses_before_anything_runs(tmp_path: Path):
    document = experiment()
    document["spec"]["parameters"][1]["feasibleSpace"] = {"min": "5", "max": "1"}
    output = tmp_path / "out"
    done = run(write(document, tmp_path), output)
    assert done.returncode == 2
    assert "workers: min <= max must hold, but got min=5, max=1." in done.stderr
    assert not (output / "trials").exists()
    assert processes_of(output) == []


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--help"], 0, "exit codes:"),
        (["--version"], 0, "0.1.0"),
        (["/no/such.yaml"], 2, "must be a readable text file"),
        ([], 2, "the following arguments are required"),
        (["x.yaml", "--max-trials=0"], 2, "must be a whole number of at least 1, but got '0'"),
    ],
)
def test_command_line(arguments: list[str], code: int, text: str):
    whole = [*command(Path("x"), Path("y"))[:3], *arguments]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=30)
    assert done.returncode == code
    assert text in done.stdout + done.stderr
