"""``morphling status`` against the API over HTTP."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cluster import follow
from cluster.commands import status
from cluster.errors import ClusterError
from cluster.experiments import connect
from cluster.trial_records import experiment_state
from tests.cluster.katib_objects import (
    conditions,
    experiment,
    finished,
    metric,
    run,
    serving,
    suggestion,
    trial,
)
from tests.fakes.katib_api import KatibApi


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KatibApi]:
    with serving(tmp_path, monkeypatch) as api:
        yield api


def test_once_shows_each_trial_and_the_best(api: KatibApi, capsys: pytest.CaptureFixture[str]):
    finished(api)
    assert run(status, "tune", "--once") == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if "│" in line]
    cells = [[cell for cell in row if cell != "│"] for row in rows]
    assert cells[0] == ["1", "1", "2", "50", "80", "300", "Succeeded"]
    assert cells[1][:4] == ["2", "64", "2", "300"]
    assert "Failed: ModelLoadFailed: out of memory" in text
    assert cells[2] == ["3", "8", "2", "120", "80", "300", "Succeeded"]
    assert "Succeeded, 3/3 trials" in text
    assert "best so far: peak_rps 120, batch_size=8 cpu_cores=2" in text


def test_once_leaves_a_running_experiment_and_fails_on_a_failed_one(api: KatibApi):
    api.put("experiments", experiment())
    assert run(status, "tune", "--once") == 0
    api.put("experiments", experiment(state=("Created", "Running", "Failed")))
    assert run(status, "tune", "--once") == 1


def test_it_follows_until_the_experiment_succeeds(
    api: KatibApi, capsys: pytest.CaptureFixture[str]
):
    api.put("experiments", experiment())
    api.put("trials", trial("tune-aaa", 1, state=("Created", "Running")))

    def go_on(number: int) -> None:
        if number == 6:
            finished(api)

    api.before_request = go_on
    assert run(status, "tune") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "trial 1/3  Running  batch_size=1 cpu_cores=2"
    assert lines[1].startswith("trial 1/3  Succeeded  batch_size=1 cpu_cores=2  peak_rps=50")
    assert lines[2].endswith("Failed  batch_size=64 cpu_cores=2  ModelLoadFailed: out of memory")
    assert lines[-1] == "best so far: peak_rps 120, batch_size=8 cpu_cores=2"


def test_a_refusal_of_the_suggestion_service_is_told_and_is_a_failure(
    api: KatibApi, capsys: pytest.CaptureFixture[str]
):
    failed = ("Created", "Running", "Failed")
    api.put("experiments", experiment(state=failed))
    api.put(
        "suggestions",
        suggestion(state=failed, message="Validation failed: unknown setting kernel"),
    )
    assert run(status, "tune") == 1
    assert "Validation failed: unknown setting kernel" in capsys.readouterr().out


def test_ctrl_c_stops_watching_only(
    api: KatibApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    api.put("experiments", experiment())
    monkeypatch.setattr(follow.time, "sleep", interrupt)
    assert run(status, "tune") == 130
    assert "morphling status tune --namespace team" in capsys.readouterr().err


def test_it_outlasts_an_api_server_in_trouble(api: KatibApi, capsys: pytest.CaptureFixture[str]):
    api.put("experiments", experiment())

    def stumble(number: int) -> None:
        if number == 3:
            api.refusals = [(500, "etcdserver: leader changed"), (503, "overloaded")]
        if number == 6:
            finished(api)

    api.before_request = stumble
    assert run(status, "tune") == 0
    assert "The API server does not answer; trying again." in capsys.readouterr().out


def test_it_gives_up_when_the_api_server_stays_away(api: KatibApi, monkeypatch: pytest.MonkeyPatch):
    api.put("experiments", experiment())
    monkeypatch.setattr(follow, "_MAX_UNANSWERED_SECONDS", 0.1)
    api.before_request = lambda number: api.refusals.append((503, "overloaded")) if number else None
    with pytest.raises(ClusterError, match=r"in trouble.*overloaded"):
        run(status, "tune")


def test_the_live_table_fits_the_terminal_and_keeps_the_best(api: KatibApi):
    api.put("experiments", experiment(state=("Created", "Running", "Succeeded"), maxTrialCount=9))
    rates = [10.0, 500.0, *range(20, 27)]
    api.put(
        "trials",
        *(trial(f"tune-{n}", n, rate, minute=n) for n, rate in enumerate(rates)),
    )
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100, height=15, color_system=None)
    follow.follow(connect(None), "tune", console)
    text = re.sub(r"\x1b\[[?\d;]*\w", "", output.getvalue())
    assert " 500 " in text
    assert " 26 " in text
    assert " 20 " not in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_trial_that_outlasts_all_others_is_named(api: KatibApi, capsys):
    finished(api)
    api.put("experiments", experiment())
    api.put("trials", trial("tune-ddd", 1, minute=20, state=("Created", "Running")))
    assert run(status, "tune", "--once") == 0
    assert "the longest trial took 300 s: it may hang" in capsys.readouterr().out


def test_unknown_experiments_and_clusters_without_katib(api: KatibApi):
    with pytest.raises(ClusterError, match="Nothing of this name exists: could not read the Exp"):
        run(status, "tune")
    api.has_katib = False
    with pytest.raises(ClusterError, match=r"Install Katib first; `morphling doctor`"):
        run(status, "tune")


def test_an_unreachable_api_server_is_told_at_once(api: KatibApi):
    api.stop()
    with pytest.raises(ClusterError, match=r"The API server http://127.0.0.1:.* cannot be reached"):
        run(status, "tune")


def test_without_any_configuration_it_says_how_to_give_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    location = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(location, str(tmp_path / "none"))
    with pytest.raises(ClusterError, match="No cluster is configured: set KUBECONFIG"):
        run(status, "tune")


def test_other_experiments_trials_are_left_out(api: KatibApi):
    finished(api)
    api.put("trials", trial("else-1", 1, 9e9, labels={"katib.kubeflow.org/experiment": "else"}))
    assert [t["metadata"]["name"] for t in connect(None).trials("tune")] == [
        "tune-bbb",
        "tune-aaa",
        "tune-ccc",
    ]


def test_equal_creation_times_are_ordered_by_the_suggestion():
    trials = [trial("tune-a", 1, 1.0), trial("tune-b", 8, 2.0)]
    state = experiment_state(experiment(), trials, suggestion("tune-b", "tune-a"))
    assert [t.name for t in state.record.trials] == ["tune-b", "tune-a"]


def test_values_are_chosen_by_strategy_and_only_numbers_count():
    item = trial("tune-a", 1, 0.0)
    item["status"]["observation"]["metrics"] = [
        {"name": "peak_rps", "min": "1", "max": "3", "latest": "2"},
        {"name": "latency_p99_ms", "min": "10", "max": "30", "latest": "20"},
        {"name": "cost", "min": "unavailable", "max": "unavailable", "latest": "0.5"},
        {"name": "feasible", "min": "NaN", "max": "NaN", "latest": "NaN"},
    ]
    record = experiment_state(experiment(), [item], None).record
    assert record.trials[0].metrics == {"peak_rps": 3, "latency_p99_ms": 20, "cost": 0.5}


def test_a_minimised_objective_takes_the_smallest_value():
    spec = {"objective": {"type": "minimize", "objectiveMetricName": "cost"}}
    item = trial("tune-a", 1, 0.0)
    item["status"]["observation"]["metrics"] = [
        {"name": "cost", "min": "1", "max": "3", "latest": "2"}
    ]
    state = experiment_state(experiment(**spec), [item], None)
    assert state.record.trials[0].metrics == {"cost": 1}


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (None, ()),
        (suggestion(state=("Created",)), ("The suggestion service is starting",)),
        (suggestion(), ("Waiting for the next suggestion",)),
    ],
)
def test_it_says_why_no_trial_runs(found, note: tuple[str, ...]):
    state = experiment_state(experiment(), [], found)
    assert [text.startswith(start) for text, start in zip(state.notes, note, strict=True)] == [
        True for _ in note
    ]


def test_an_object_without_a_status_is_new():
    fresh = experiment()
    del fresh["status"]
    state = experiment_state(fresh, [], None)
    assert (state.condition, state.record.is_finished) == ("", False)
    assert state.notes == ("Katib has not yet taken the Experiment up.",)


def test_a_restarted_experiment_is_not_finished():
    restarted = experiment()
    restarted["status"]["conditions"] = conditions("Created", "Running", "Restarting")
    assert not experiment_state(restarted, [], None).record.is_finished


def test_the_builders_speak_katibs_language():
    assert metric("a", 1.5)["max"] == "1.5"
