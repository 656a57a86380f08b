import os

import pytest

from benchmarks.suggestion_latency.__main__ import main
from benchmarks.suggestion_latency.measurement import Measurement, resident_mib, table
from benchmarks.suggestion_latency.requests import LARGE, SMALL, request
from benchmarks.suggestion_latency.service import measure_service
from suggestion.katib import experiment_from_proto, trials_from_proto
from suggestion.trial import TrialState


@pytest.mark.parametrize(("space", "size"), [(SMALL, 720), (LARGE, 120_000)])
def test_request_has_100_different_trials_that_fit_the_space(space, size):
    asked = request(space, {"surrogate": "gp"}, seed=1)
    experiment = experiment_from_proto(asked.experiment)
    assert experiment.space.size == space.size == size
    trials = trials_from_proto(asked.trials, experiment.objective)
    states = [trial.state for trial in trials]
    assert states.count(TrialState.MEASURED) == 90
    assert states.count(TrialState.INFEASIBLE) == 10
    points = {experiment.space.point_of(trial.assignments) for trial in trials}
    assert len(points) == 100
    assert None not in points


def test_requests_differ_by_seed():
    assert request(SMALL, {}, 1) == request(SMALL, {}, 1)
    assert request(SMALL, {}, 1).trials[0] != request(SMALL, {}, 2).trials[0]


def test_table_has_quantiles_in_milliseconds():
    calls = [0.001 * n for n in range(1, 201)]
    measured = Measurement("gp", 0.512, 0.1, calls, [1.0, 3.0, 2.0], 100.4, 200.6)
    row = table([measured]).splitlines()[-1]
    assert row == "| gp | 0.51 | 100 | 200 | 100 | 198 | 100 | 2000 | 3000 | 201 |"


def test_memory_of_this_process():
    assert 20 < resident_mib(os.getpid()) < 20_000


def test_measures_a_real_service(tmp_path):
    core = max(os.sched_getaffinity(0))
    measured = measure_service(
        "gp", {"surrogate": "gp"}, num_calls=2, num_large_calls=1, core=core,
        log=tmp_path / "gp.log",
    )  # fmt: skip
    assert measured.start_seconds is not None
    assert 0.1 < measured.start_seconds < 60
    assert len(measured.call_seconds) == 2
    assert 20 < measured.small_mib < 2000


def test_wrong_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--calls", "0"])
    assert "--calls and --large-calls must be at least 1" in capsys.readouterr().err
