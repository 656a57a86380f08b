"""What is on disk survives, and belongs to one Experiment."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from local_runner.load import parse_experiment
from local_runner.state import RunState, StateError, TrialState
from tests.local_runner.experiments import experiment

TRIAL = TrialState(
    name="t1",
    assignments={"a": "1"},
    condition="Succeeded",
    message="m",
    start_time="2026-01-02T03:04:05Z",
    completion_time="2026-01-02T03:05:05Z",
    metrics={"peak_rps": {"min": "1", "max": "2", "latest": "2"}},
    phase_seconds={"load test": 3.5},
)


def opened(folder: Path) -> RunState:
    return RunState(folder / "state.sqlite")


def test_trials_come_back_whole_and_in_order(tmp_path: Path):
    state = opened(tmp_path)
    second = replace(TRIAL, name="a-later-one", condition="Running")
    for trial in (TRIAL, second):
        state.save(trial)
    state.save(replace(TRIAL, message="changed"))
    state.add_seconds("suggestion", 1.0)
    state.add_seconds("suggestion", 0.5)
    state.close()
    again = opened(tmp_path)
    assert again.trials() == [replace(TRIAL, message="changed"), second]
    assert again.phase_seconds() == {"suggestion": 1.5}
    again.close()


def test_trials_that_were_cut_off_start_over(tmp_path: Path):
    state = opened(tmp_path)
    state.save(TRIAL)
    state.save(replace(TRIAL, name="t2", condition="Running"))
    assert state.reopen() == ["t2"]
    assert [trial.condition for trial in state.trials()] == ["Succeeded", "Created"]
    assert state.trials()[1].start_time == ""
    state.close()


def test_only_counts_may_change(tmp_path: Path):
    state = opened(tmp_path)

    def claim(**spec: object) -> None:
        state.claim(parse_experiment(yaml.safe_dump(experiment(**spec))))

    claim()
    claim(maxTrialCount=9, parallelTrialCount=2, maxFailedTrialCount=5)
    with pytest.raises(StateError, match=r"but spec\.algorithm changed"):
        claim(algorithm={"algorithmName": "bayesianoptimization"})
    state.close()
