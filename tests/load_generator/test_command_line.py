"""The load generator as a process: results, exit codes, signals, restarts."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from load_generator.report import read, write
from tests.load_generator.builders import REPORT


@contextlib.contextmanager
def model_process(
    service_ms: float = 5, workers: int = 2
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A fake model server in a process of its own; yields it and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.model_server"]
        + ["--service-ms", str(service_ms), "--workers", str(workers)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def model_server(service_ms: float = 5, workers: int = 2) -> Iterator[int]:
    """The same; yields its port."""
    with model_process(service_ms, workers) as (_, port):
        yield port


def command(port: int, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "load_generator", f"--url=http://127.0.0.1:{port}",
        "--model=m", "--slo-ms=1000", *more,
    ]  # fmt: skip


def run(port: int, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(port, *more), capture_output=True, text=True, timeout=60)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_whole_load_test(tmp_path: Path):
    result = tmp_path / "result.json"
    prices = ["--price-base=0.2", "--price-per-core=0.02", "--cpu-cores=5"]
    with model_server(service_ms=20, workers=4) as port:
        done = run(port, "--max-seconds=8", f"--result={result}", *prices)
        assert done.returncode == 0, done.stderr
        report = read(result)
        # Four workers of 20 ms: 200 rps, and with a p99 of 1000 ms a little less.
        assert report.feasible == 1
        assert report.saturation_rps is not None
        assert 120 < report.peak_rps < 1.1 * report.saturation_rps
        assert report.saturation_rps == pytest.approx(200, rel=0.1)
        assert report.cost == pytest.approx(0.3)
        assert report.rps_per_dollar == pytest.approx(report.peak_rps / 0.3)
        assert report.latency_p99_ms is not None
        assert report.latency_p99_ms <= 1000
        assert [probe.kind for probe in report.probes][-1] == "confirm"
        assert f"peak_rps        {report.peak_rps:.1f}" in done.stdout
        assert "rps offered" in done.stderr

        again = run(port, "--max-seconds=8", f"--result={result}")
    assert again.returncode == 0
    assert read(result) == report
    assert "holds a finished result, so nothing is measured" in again.stderr


def test_a_half_written_result_is_measured_again(tmp_path: Path):
    result = tmp_path / "result.json"
    result.write_text('{"schema_version": 1, "peak')
    with model_server() as port:
        done = run(port, "--max-seconds=3", f"--result={result}")
    assert done.returncode == 0
    assert "is not a finished result, so it is measured again" in done.stderr
    assert read(result).feasible == 1


def test_a_server_that_is_never_ready_is_infeasible(tmp_path: Path):
    result = tmp_path / "result.json"
    port = unused_port()
    done = run(port, "--ready-seconds=1", f"--result={result}")
    assert done.returncode == 0
    report = read(result)
    assert (report.feasible, report.peak_rps, report.probes) == (0, 0.0, ())
    assert "must be ready within 1 s" in report.reason
    assert done.stdout.startswith("infeasible: ")


def test_a_server_too_slow_when_idle_is_infeasible(tmp_path: Path):
    result = tmp_path / "result.json"
    with model_server(service_ms=150) as port:
        done = run(port, "--slo-ms=100", "--max-seconds=6", f"--result={result}")
    assert done.returncode == 0
    assert "The SLO is violated without load" in read(result).reason


def test_kill_9_of_the_server_in_mid_test_ends_in_a_result(tmp_path: Path):
    result = tmp_path / "result.json"
    with model_process() as (server, port):
        process = subprocess.Popen(
            command(port, "--slo-ms=100", "--max-seconds=8", f"--result={result}"),
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        next(line for line in process.stderr if "rps offered" in line)
        server.kill()
        process.communicate(timeout=60)
    assert process.returncode == 0
    report = read(result)
    assert report.probes[-1].num_errors > 0
    assert report.feasible == 0
    expected = f"In the end every request failed: 127.0.0.1:{port} refused the connection."
    assert report.reason == expected


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_mid_test_leaves_no_result(number: signal.Signals, code: int, tmp_path: Path):
    result = tmp_path / "result.json"
    with model_server() as port:
        process = subprocess.Popen(
            command(port, "--max-seconds=30", f"--result={result}"),
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_kill_9_in_mid_test_and_a_second_start(tmp_path: Path):
    result = tmp_path / "result.json"
    with model_server() as port:
        process = subprocess.Popen(
            command(port, f"--result={result}"), stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        process.stderr.readline()
        process.kill()
        process.communicate()
        assert not result.exists()
        assert run(port, "--max-seconds=3", f"--result={result}").returncode == 0
    assert read(result).feasible == 1


def test_stay_alive_until_sigterm(tmp_path: Path):
    result = tmp_path / "result.json"
    write(REPORT, result)
    process = subprocess.Popen(
        command(1, f"--result={result}", "--stay-alive"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "peak_rps        100.0" in process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_metrics_page_while_it_stays_alive(tmp_path: Path):
    result = tmp_path / "result.json"
    port = unused_port()
    with model_server() as server:
        process = subprocess.Popen(
            command(server, "--max-seconds=3", f"--result={result}", "--stay-alive")
            + [f"--metrics-port={port}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            page = response.read().decode()
        process.terminate()
        process.communicate(timeout=10)
    values = dict(re.findall(r"^(load_test_\w+) (\S+)$", page, re.M))
    assert float(values["load_test_done"]) == 1
    assert float(values["load_test_peak_rps"]) == pytest.approx(read(result).peak_rps)
    assert float(values["load_test_probes"]) == len(read(result).probes)


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (("--help",), 0, "exit codes:"),
        (("--version",), 0, "0.1.0"),
        (("--slo-percentile=100",), 2, "50 <= --slo-percentile < 100 must hold, but got 100.0."),
        (("--payload=/no/such/file",), 2, "A payload must be a readable file"),
        (("--gpu-memory-percent=101",), 2, "0 <= --gpu-memory-percent <= 100 must hold"),
        (("--protocol=smtp",), 2, "invalid choice: 'smtp'"),
        (("--result=/no/such/folder/result.json",), 1, "No such file or directory"),
    ],
)
def test_command_line(more: tuple[str, ...], code: int, text: str):
    done = run(1, *more)
    assert done.returncode == code
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_metrics_port():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        done = run(1, f"--metrics-port={taken.getsockname()[1]}")
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


def test_every_probe_is_in_the_result_with_a_readable_histogram(tmp_path: Path):
    from hdrh.histogram import HdrHistogram

    result = tmp_path / "result.json"
    with model_server() as port:
        assert run(port, "--max-seconds=3", f"--result={result}").returncode == 0
    probes = json.loads(result.read_text())["probes"]
    assert {probe["kind"] for probe in probes} == {
        "warm_up", "idle", "saturation", "rate", "confirm",
    }  # fmt: skip
    for probe in probes:
        histogram = HdrHistogram.decode(probe["histogram"])
        assert histogram.total_count == probe["num_requests"]
        p99 = histogram.get_value_at_percentile(99) / 1000
        assert p99 == pytest.approx(probe["latency_p99_ms"], rel=0.01)


def test_v1_needs_and_sends_a_payload(tmp_path: Path):
    payload, result = tmp_path / "body.json", tmp_path / "result.json"
    payload.write_text('{"instances": [[1, 2]]}')
    with model_server() as port:
        refused = run(port, "--protocol=v1-rest")
        done = run(
            port, "--protocol=v1-rest", f"--payload={payload}", "--max-seconds=3",
            f"--result={result}",
        )  # fmt: skip
    assert refused.returncode == 2
    assert "--payload must be given with --protocol v1-rest" in refused.stderr
    assert done.returncode == 0
    assert read(result).protocol == "v1-rest"
