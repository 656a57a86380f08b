"""A host that has no address: the load generator says so in its result, and ends."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from load_generator.report import read

Case = tuple[str, int]
Started = tuple[Path, dict[Case, subprocess.Popen[str]]]

_CASES: list[Case] = [("http", 1), ("http", 2), ("grpc", 1), ("grpc", 2)]


def _start(scheme: str, processes: int, folder: Path) -> subprocess.Popen[str]:
    protocol = "v2-grpc" if scheme == "grpc" else "v2-rest"
    return subprocess.Popen(
        [sys.executable, "-m", "load_generator", f"--url={scheme}://no-such-host.invalid:80"]
        + [f"--protocol={protocol}", "--model=m", "--slo-ms=100", "--ready-seconds=0.5"]
        + [f"--processes={processes}", f"--result={folder}/{scheme}-{processes}.json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("results")
    started = {case: _start(*case, folder) for case in _CASES}  # all at once
    yield folder, started
    for process in started.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("case", _CASES)
def test_a_host_without_an_address_is_a_result(case: Case, started: Started):
    folder, processes = started
    stdout, stderr = processes[case].communicate(timeout=60)
    assert processes[case].returncode == 0, stderr
    assert "Traceback" not in stderr
    report = read(folder / f"{case[0]}-{case[1]}.json")
    assert (report.feasible, report.probes) == (0, ())
    assert "must be ready within 0.5 s, but" in report.reason
    assert "no-such-host.invalid" in report.reason
    assert report.reason in stdout
