"""Signals in every phase, to the load generator and to its sending processes; kill -9 of either."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.load_generator.test_command_line import model_server

# Only a hang takes that long.
_LONG_SECONDS = 60
_STOPPED = "load-generator: Stopped by {} before the result was final, so there is none.\n"
_WORKER_DIED = "load-generator: Every sending process must work as long as the load test lasts"


@dataclass(frozen=True)
class Case:
    """Who is struck by what and when; ``text`` is what stderr must hold."""

    phase: str
    target: str
    signal: str
    processes: int
    exit_code: int
    text: str = ""
    files: tuple[str, ...] = ()


CASES = [
    Case("start", "self", "SIGINT", 1, 130),
    Case("warm_up", "self", "SIGTERM", 1, 143),
    Case("idle", "self", "SIGTERM", 1, 143),
    Case("saturation", "self", "SIGTERM", 1, 143),
    Case("rate", "self", "SIGTERM", 1, 143),
    Case("confirm", "self", "SIGTERM", 1, 143),
    Case("rate", "again", "SIGTERM", 1, 143),
    Case("stay_alive", "again", "SIGTERM", 1, 0, files=("result.json",)),
    Case("idle", "self", "SIGTERM", 2, 143),
    Case("confirm", "self", "SIGINT", 2, 130),
    Case("saturation", "again", "SIGINT", 2, 130),
    # As Ctrl-C on a terminal; when the sending processes have only just begun to import.
    Case("start", "group", "SIGINT", 2, 130),
    Case("rate", "group", "SIGTERM", 2, 143),
    Case("start", "worker", "SIGKILL", 2, 1, f"{_WORKER_DIED}, but one was ended by SIGKILL"),
    Case("rate", "worker", "SIGKILL", 2, 1, f"{_WORKER_DIED}, but one was ended by SIGKILL"),
    Case("start", "self", "SIGKILL", 2, -9),
    Case("rate", "self", "SIGKILL", 2, -9),
]


@dataclass(frozen=True)
class Ending:
    exit_code: int
    stderr: str
    files: tuple[str, ...]


def _start(module: str, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *flags, "--model=m", "--slo-ms=500"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def _end(process: subprocess.Popen[str], folder: Path) -> Ending:
    """Waits until the process and all that it has started have ended."""
    try:
        _, stderr = process.communicate(timeout=_LONG_SECONDS)
        _wait_for_the_end_of_all(process.pid)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return Ending(process.returncode, stderr, tuple(sorted(os.listdir(folder))))


def _strike(case: Case, port: int) -> Ending:
    with tempfile.TemporaryDirectory() as folder:
        process = _start(
            "tests.fakes.struck_load_generator", case.phase, case.target, case.signal,
            f"--url=http://127.0.0.1:{port}", "--slo-percentile=50", "--max-seconds=6",
            f"--processes={case.processes}", f"--result={folder}/result.json", "--stay-alive",
        )  # fmt: skip
        return _end(process, Path(folder))


def _wait_for_the_end_of_all(session: int) -> None:
    end = time.monotonic() + _LONG_SECONDS
    while (members := _members(session)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not members, f"left behind: {members}"


def _members(session: int) -> list[str]:
    """Running processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended just now
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


@pytest.fixture(scope="module")
def endings() -> Iterator[dict[Case, Ending]]:
    # Several at once: each waits most of the time.
    with model_server(service_ms=10, workers=2) as port, ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda case: _strike(case, port), CASES)
        yield dict(zip(CASES, found, strict=True))


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.phase}-{c.target}-{c.signal}-{c.processes}"
)
def test_a_signal_ends_it_in_order(case: Case, endings: dict[Case, Ending]):
    ending = endings[case]
    assert ending.exit_code == case.exit_code, ending.stderr
    assert "Traceback" not in ending.stderr, ending.stderr
    assert case.text in ending.stderr
    stopped = _STOPPED.format(case.signal) * (case.exit_code > 128)
    assert ending.stderr.endswith(stopped)
    assert ending.stderr.count("Stopped by") == bool(stopped)
    assert ending.files == case.files


@pytest.mark.parametrize(("url", "processes"), [("http", 1), ("grpc --protocol=v2-grpc", 2)])
def test_while_it_waits_for_a_server_that_never_answers(url: str, processes: int, tmp_path: Path):
    scheme, *flags = url.split()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = _start(
            "load_generator", f"--url={scheme}://127.0.0.1:{listener.getsockname()[1]}", *flags,
            f"--processes={processes}", f"--result={tmp_path}/result.json",
        )  # fmt: skip
        connection, _ = listener.accept()
        with connection:
            process.terminate()
            ending = _end(process, tmp_path)
    assert ending == Ending(143, _STOPPED.format("SIGTERM"), ())


def test_nobody_reads_its_last_words():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = _start("load_generator", f"--url=http://127.0.0.1:{port}")
        connection, _ = listener.accept()
        with connection:
            assert process.stderr is not None
            process.stderr.close()
            process.terminate()
            assert process.wait(_LONG_SECONDS) == 143


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_while_it_reads_its_flags(number: signal.Signals, exit_code: int, tmp_path: Path):
    payload = tmp_path / "payload"
    os.mkfifo(payload)
    process = _start("load_generator", "--url=http://127.0.0.1:1", f"--payload={payload}")
    with payload.open("wb"):  # when it has opened the other end
        process.send_signal(number)
        ending = _end(process, tmp_path)
    stopped = f"load-generator: Stopped by {number.name} before the load test began.\n"
    assert ending == Ending(exit_code, stopped, ("payload",))
