"""The side of Vizier that runs here; the worker needs an environment of its own."""

import sys
from pathlib import Path

import pytest

from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.methods import vizier_bandit
from benchmarks.search_cost.methods.vizier_bandit import VizierBandit, Worker
from benchmarks.search_cost.run import run_search
from tests.benchmarks.search_cost.cases import SIZE, half_infeasible

# Speaks the worker's protocol, writes down what it is told and proposes one point for ever.
FAKE_WORKER = """
import json, sys
for line in sys.stdin:
    print(line, end="", file=sys.stderr, flush=True)
    point = {"cpu_cores": "1", "batch_size": "2", "gpu_type": "V100"}
    print(json.dumps({} if "start" in json.loads(line) else {"point": point}), flush=True)
"""


@pytest.fixture
def log(tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text(FAKE_WORKER)
    monkeypatch.setattr(vizier_bandit, "_WORKER", script)
    return tmp_path / "log"


def test_worker_is_told_the_space_and_each_sample_once(log):
    with Worker(Path(sys.executable), log) as worker:
        run = run_search(VizierBandit(worker), half_infeasible(), Setup(seed=5, cap=3))
    # Index 3 is what the worker proposes; it has been sampled from then on.
    assert run.samples[0] == 3
    assert len(set(run.samples)) == 3
    start, *told = log.read_text().splitlines()
    assert '"batch_size": {"kind": "number", "values": ["1", "2", "4", "8"]}' in start
    assert '"gpu_type": {"kind": "choice", "values": ["T4", "V100"]}' in start
    assert '"seed": 5' in start
    assert [line.count('"value"') for line in told] == [0, 1, 1]
    assert '"gpu_type": "V100"}, "value": null}' in told[1]


def test_repeats_are_replaced_until_all_is_sampled(log):
    with Worker(Path(sys.executable), log) as worker:
        run = run_search(VizierBandit(worker), half_infeasible(), Setup())
    assert len(set(run.samples)) == len(run.samples) <= SIZE
    assert run.is_solved


def test_a_worker_that_ends_is_an_error(tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text("raise SystemExit('no vizier here')")
    monkeypatch.setattr(vizier_bandit, "_WORKER", script)
    log = tmp_path / "log"
    with (
        Worker(Path(sys.executable), log) as worker,
        pytest.raises(RuntimeError, match="must answer, but has ended"),
    ):
        run_search(VizierBandit(worker), half_infeasible(), Setup())
    assert "no vizier here" in log.read_text()
