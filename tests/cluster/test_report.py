"""``morphling report`` against the API over HTTP."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.commands import report
from cluster.errors import ClusterError
from tests.cluster.katib_objects import experiment, finished, metric, run, serving, trial
from tests.fakes.katib_api import KatibApi


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KatibApi]:
    with serving(tmp_path, monkeypatch) as api:
        yield api


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_finished_experiment(api: KatibApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    finished(api)
    folder = tmp_path / "out"
    assert run(report, "tune", "--output", str(folder)) == 0
    first, second, third = rows(folder)
    assert first == {
        "trial": "tune-aaa",
        "condition": "Succeeded",
        "start_time": "2026-01-02T03:00:00+00:00",
        "completion_time": "2026-01-02T03:05:00+00:00",
        "batch_size": "1",
        "cpu_cores": "2",
        "latency_p99_ms": "80.0",
        "peak_rps": "50.0",
        "trial_seconds": "300.00",
        "message": "",
    }
    assert (second["peak_rps"], second["message"]) == ("", "ModelLoadFailed: out of memory")
    assert third["peak_rps"] == "120.0"
    page = (folder / "index.html").read_text()
    assert "Succeeded trials 600 s (67%)" in page
    assert "Trial tune-bbb." in page
    assert "Latency against rate, best trial" not in page
    assert "finished: Succeeded message" in page
    assert f"report: {folder / 'index.html'}" in capsys.readouterr().out


def test_costs_among_the_metrics_give_the_pareto_front(api: KatibApi, tmp_path: Path):
    finished(api)
    for number, item in enumerate(api.objects["team"]["trials"].values()):
        metrics = item["status"].get("observation", {"metrics": []})["metrics"]
        metrics.append(metric("cost", 0.1 * (1 + number)))
    assert run(report, "tune", "--output", str(tmp_path / "out")) == 0
    assert "with the Pareto front" in (tmp_path / "out" / "index.html").read_text()


def test_a_running_experiment_without_any_observation(api: KatibApi, tmp_path: Path):
    api.put("experiments", experiment())
    api.put("trials", trial("tune-aaa", 1, state=("Created", "Running")))
    assert run(report, "tune", "--output", str(tmp_path / "out")) == 0
    assert rows(tmp_path / "out")[0]["completion_time"] == ""
    assert "No trial has a usable objective yet." in (tmp_path / "out" / "index.html").read_text()


def test_the_folder_is_named_after_the_experiment(
    api: KatibApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    finished(api)
    monkeypatch.chdir(tmp_path)
    assert run(report, "tune") == 0
    assert (tmp_path / "tune-report" / "index.html").exists()


def test_a_folder_that_cannot_be_written(api: KatibApi, tmp_path: Path):
    finished(api)
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match="must be written to a folder"):
        run(report, "tune", "--output", str(tmp_path / "file"))
