"""The collector against a real DBManager: reports once, whatever happens around it."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from load_generator.report import write
from local_runner.db_manager import DBManagerServicer, serve
from local_runner.observation_store import MetricRow, ObservationStore
from metrics_collector.db_manager import ReportRefusedError, report_once
from metrics_collector.observation_log import parse_metric_names, to_log, values_to_report
from protos.katib import api_pb2, api_pb2_grpc
from tests.load_generator.builders import INFEASIBLE, REPORT


@dataclass
class Database:
    store: ObservationStore
    address: str

    def values(self, trial: str = "t") -> list[tuple[str, str]]:
        return [(row.name, row.value) for row in self.store.rows(trial)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    store = ObservationStore(tmp_path / "observations.sqlite")
    server, address = serve(store)
    yield Database(store, address)
    server.stop(None).wait()
    store.close()


def start(result: Path, address: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "metrics_collector", f"--result={result}", "--trial-name=t"]
        + ["--metrics=rps_per_dollar,peak_rps,latency_p99_ms", f"--db-manager={address}", *more],
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    return stderr


def until(condition, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_it_waits_reports_the_named_metrics_and_stays_alive(database: Database, tmp_path: Path):
    result = tmp_path / "result.json"
    process = start(result, database.address)
    time.sleep(1.0)
    assert database.values() == []
    write(REPORT, result)
    until(database.values)
    assert database.values() == [
        ("rps_per_dollar", "200"),
        ("peak_rps", "100"),
        ("latency_p99_ms", "20"),
    ]
    times = {row.time for row in database.store.rows("t")}
    assert len(times) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", times.pop())
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    stderr = stop(process)
    assert (process.returncode, "Traceback" in stderr) == (0, False)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_never_reports_twice(database: Database, tmp_path: Path, number: signal.Signals):
    result = tmp_path / "result.json"
    write(REPORT, result)
    first = start(result, database.address)
    until(database.values)
    stop(first, number)
    second = start(result, database.address)
    assert second.stderr is not None
    assert "has been reported before; nothing is added" in second.stderr.readline()
    stop(second)
    assert len(database.values()) == 3


def test_an_infeasible_configuration_is_zero_and_has_no_latency(database: Database, tmp_path: Path):
    result = tmp_path / "result.json"
    write(INFEASIBLE, result)
    process = start(result, database.address)
    until(database.values)
    stop(process)
    assert database.values() == [("rps_per_dollar", "0"), ("peak_rps", "0")]


def test_after_the_deadline_rates_are_zero(database: Database, tmp_path: Path):
    process = start(tmp_path / "never.json", database.address, "--deadline-seconds=1")
    until(database.values)
    stderr = stop(process)
    assert database.values() == [("rps_per_dollar", "0"), ("peak_rps", "0")]
    assert "counts as infeasible" in stderr


def test_a_broken_file_is_waited_for(database: Database, tmp_path: Path):
    result = tmp_path / "result.json"
    result.write_text("{")
    process = start(result, database.address)
    assert process.stderr is not None
    assert "is not a result yet" in process.stderr.readline()
    assert database.values() == []
    write(REPORT, result)
    until(database.values)
    stop(process)


def test_a_database_that_comes_late(tmp_path: Path):
    result = tmp_path / "result.json"
    write(REPORT, result)
    store = ObservationStore(tmp_path / "observations.sqlite")
    server = grpc.server(ThreadPoolExecutor(2))
    api_pb2_grpc.add_DBManagerServicer_to_server(DBManagerServicer(store), server)
    port = server.add_insecure_port("127.0.0.1:0")  # bound, and silent until it is started
    process = start(result, f"127.0.0.1:{port}")
    time.sleep(2.0)
    server.start()
    until(lambda: store.rows("t"), 30)
    stop(process)
    assert len(store.rows("t")) == 3
    server.stop(None).wait()
    store.close()


def test_a_lost_reply_does_not_lead_to_a_second_report(database: Database):
    """The database stores the rows, and its answer is lost."""

    class Losing(api_pb2_grpc.DBManagerServicer):
        calls = 0

        def GetObservationLog(self, request, context):
            with grpc.insecure_channel(database.address) as channel:
                return api_pb2_grpc.DBManagerStub(channel).GetObservationLog(request)

        def ReportObservationLog(self, request, context):
            Losing.calls += 1
            with grpc.insecure_channel(database.address) as channel:
                api_pb2_grpc.DBManagerStub(channel).ReportObservationLog(request)
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    server = grpc.server(ThreadPoolExecutor(2))
    api_pb2_grpc.add_DBManagerServicer_to_server(Losing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    log = to_log({"peak_rps": 5.0}, datetime.now(UTC))
    assert report_once(f"127.0.0.1:{port}", "t", log, lambda _: None) is False
    server.stop(None).wait()
    assert Losing.calls == 1
    assert database.values() == [("peak_rps", "5")]


def test_delays_grow_while_the_database_is_away():
    delays: list[float] = []

    def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        report_once("127.0.0.1:1", "t", api_pb2.ObservationLog(), sleep)
    assert 0.4 <= delays[0] <= 0.6
    assert all(0.8 * 30 <= delay <= 1.2 * 30 for delay in delays[7:])


def test_a_refusal_is_final(database: Database):
    empty = api_pb2.ObservationLog()
    with pytest.raises(ReportRefusedError, match="INVALID_ARGUMENT"):
        report_once(database.address, "t", empty, lambda _: None)


def test_all_rows_come_in_one_request(database: Database):
    reports: list[int] = []
    original = database.store.report
    database.store.report = lambda name, rows: (reports.append(len(rows)), original(name, rows))  # type: ignore[assignment]
    log = to_log({"a": 1.0, "b": 2.5, "c": -3.0}, datetime.now(UTC))
    assert report_once(database.address, "t", log)
    assert reports == [3]
    assert database.values() == [("a", "1"), ("b", "2.5"), ("c", "-3")]


def test_values_of_a_missing_result():
    names = ("peak_rps", "latency_p99_ms", "rps_per_dollar", "cost")
    assert values_to_report(None, names) == {"peak_rps": 0.0, "rps_per_dollar": 0.0}
    assert values_to_report(REPORT, names) == {
        "peak_rps": 100.0,
        "latency_p99_ms": 20.0,
        "rps_per_dollar": 200.0,
        "cost": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must name at least one metric"),
        ("peak_rps,speed", "but got 'speed'"),
        ("peak_rps,peak_rps", "but got 'peak_rps' twice"),
        ("reason", "but got 'reason'"),
    ],
)
def test_metric_names(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse_metric_names(text)
    assert parse_metric_names(" peak_rps , cost ") == ("peak_rps", "cost")


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (("--help",), 0, "exit codes"),
        (("--metrics=speed",), 2, "but got 'speed'"),
        (("--db-manager=nowhere",), 2, "must be HOST:PORT, but got 'nowhere'"),
        (("--deadline-seconds=-1",), 2, "must be a positive number, but got '-1'"),
        (("--trial-name=",), 2, "--trial-name must be given, or TRIAL_NAME set"),
    ],
)
def test_command_line(more: tuple[str, ...], code: int, text: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "metrics_collector", f"--result={tmp_path}/r", "--trial-name=t"]
        + ["--metrics=peak_rps", "--db-manager=127.0.0.1:1", *more],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == code
    assert text in done.stdout + done.stderr


def test_the_store_filters_like_katibs_database(tmp_path: Path):
    store = ObservationStore(tmp_path / "o.sqlite")
    rows = [
        MetricRow("2026-01-01T00:00:02Z", "a", "2"),
        MetricRow("2026-01-01T00:00:01Z", "a", "1"),
        MetricRow("2026-01-01T00:00:03Z", "b", "3"),
        MetricRow("", "a", "no time"),
    ]
    store.report("t", rows)
    assert [row.value for row in store.rows("t")] == ["1", "2", "3"]
    assert [row.value for row in store.rows("t", "a")] == ["1", "2"]
    assert [row.value for row in store.rows("t", "", "2026-01-01T00:00:02Z")] == ["2", "3"]
    assert [row.value for row in store.rows("t", "", "", "2026-01-01T00:00:01Z")] == ["1"]
    assert store.rows("other") == []
    store.delete("t")
    assert store.rows("t") == []
    with pytest.raises(ValueError, match="must hold a row with a time stamp"):
        store.report("t", [MetricRow("", "a", "1")])
    store.close()


def test_many_threads_write_at_once(tmp_path: Path):
    store = ObservationStore(tmp_path / "o.sqlite")
    threads = [
        threading.Thread(
            target=lambda n=n: store.report(
                f"t{n % 3}", [MetricRow("2026-01-01T00:00:00Z", "a", "1")]
            )
        )
        for n in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(store.rows(f"t{n}")) for n in range(3)) == 30
    store.close()
