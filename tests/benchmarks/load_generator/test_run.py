import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load_generator import run
from benchmarks.load_generator.bisection import Found
from benchmarks.load_generator.cases import CASES, SimulatedCase
from benchmarks.load_generator.commands import CommandError
from benchmarks.load_generator.methods import METHODS
from benchmarks.load_generator.results import ClosedLoop, Measurement, Stall, Store, Window
from benchmarks.load_generator.run import TRUTH, Task, plan, run_missing
from benchmarks.load_generator.servers import Address
from tests.benchmarks.load_generator.builders import measurement


def test_methods_take_turns_where_they_apply() -> None:
    tasks = list(plan(["fixed-20", "triton-grpc"], [TRUTH, "quick", "perf_analyzer", "wrk"], 2))
    assert [(t.case, t.repeat, t.method) for t in tasks] == [
        ("fixed-20", 1, "quick"),
        ("fixed-20", 1, "perf_analyzer"),
        ("fixed-20", 1, "wrk"),
        ("fixed-20", 2, "quick"),
        ("fixed-20", 2, "perf_analyzer"),
        ("fixed-20", 2, "wrk"),
        ("triton-grpc", 1, TRUTH),
        ("triton-grpc", 1, "quick"),
        ("triton-grpc", 1, "perf_analyzer"),
        ("triton-grpc", 2, TRUTH),
        ("triton-grpc", 2, "quick"),
        ("triton-grpc", 2, "perf_analyzer"),
    ]


class _Server:
    @contextlib.contextmanager
    def running(self) -> Iterator[Address]:
        yield Address(1)


class _Method:
    """Fails in its second repeat."""

    def find(self, case: SimulatedCase, _address: Address, seed: int) -> Found:
        if seed == 2:
            raise CommandError("it ended with 1")
        return Found(peak_rps=case.peak_rps + seed, num_requests=9, cpu_seconds=0.1, seconds=1.0)


def test_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SimulatedCase, "server", _Server())
    monkeypatch.setattr(SimulatedCase, "describe", lambda _: "")
    monkeypatch.setitem(METHODS, "quick", _Method())
    searches = Store(tmp_path / "new" / "searches.jsonl", Measurement)
    windows = Store(tmp_path / "windows.jsonl", Window)
    searches.add(measurement("fixed-20", "quick", 1, 17.0))
    cases = ["fixed-20", "fixed-2000"]
    tasks = [Task(repeat, case, "quick") for repeat in (1, 2, 3) for case in cases]
    assert run_missing(tasks, 2, searches, windows) == 2
    found = {(m.case, m.repeat): m.peak_rps for m in searches.values()}
    assert found == {
        ("fixed-20", 1): 17.0,
        ("fixed-20", 3): 23.0,
        ("fixed-2000", 1): 2001.0,
        ("fixed-2000", 3): 2003.0,
    }
    assert "fixed-2000, quick, repeat 2 failed: it ended with 1" in capsys.readouterr().err
    assert run_missing(tasks, 1, searches, windows) == 2


def test_one_client_that_fails_leaves_the_others_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure_cost(client: str, repeat: int) -> ClosedLoop:
        if client == "bad":
            raise CommandError("it ended with -9")
        return ClosedLoop(client, repeat, 1000, 1.0, 0.5)

    monkeypatch.setattr(run, "closed_clients", lambda: {"good": None, "bad": None, "other": None})
    monkeypatch.setattr(run, "closed_loop", measure_cost)
    monkeypatch.setattr(run, "stall_clients", lambda _: {("good", "closed"): None})
    monkeypatch.setattr(run, "stall", lambda *names: Stall(*names, 900.0, 2000))
    loops = Store(tmp_path / "closed_loops.jsonl", ClosedLoop)
    stalls = Store(tmp_path / "stalls.jsonl", Stall)
    assert run.run_clients(2, loops, stalls) == 2
    assert [(one.client, one.repeat) for one in loops.values()] == [
        ("good", 1), ("other", 1), ("good", 2), ("other", 2),
    ]  # fmt: skip
    assert [one.repeat for one in stalls.values()] == [1, 2]
    streams = capsys.readouterr()
    assert "good, cost, repeat 1: 2000 requests a CPU second" in streams.out
    assert "bad, cost, repeat 2 failed: it ended with -9" in streams.err
    assert run.run_clients(2, loops, stalls) == 2  # those that failed, again
    assert len(loops.values()) == 4


def test_a_line_that_was_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    store = Store(path, Measurement)
    store.add(measurement(repeat=1))
    with path.open("a") as file:
        file.write(json.dumps({"case": "fixed-20"})[:-3])
    store = Store(path, Measurement)
    store.add(measurement(repeat=2))
    assert [m.repeat for m in store.values()] == [1, 2]


def test_every_case_has_a_name_of_its_own_and_an_expected_peak() -> None:
    assert all(case.name == name and case.rough_rps > 0 for name, case in CASES.items())
