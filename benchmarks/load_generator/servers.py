"""Starts the servers of the benchmark, each in a process group of its own and on one core."""

import contextlib
import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.cores import SERVER, on_cores
from benchmarks.load_generator.model_folders import (
    MODEL,
    write_mlserver_folder,
    write_triton_repository,
)

_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_LOG_TAIL = 1500
# How late a simulated server's batches may be at these quantiles, in units of its limit.
_MOST_LATE_TIMES = {"0.99": 1, "0.999": 4}


class ServerFailedError(RuntimeError):
    """A server did not start; the message has the end of what it wrote."""


@dataclass(frozen=True)
class Address:
    """Where a server listens on this machine."""

    http_port: int
    grpc_port: int = 0

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def url(self, protocol: str) -> str:
        """What the load generator takes for a protocol."""
        return f"grpc://127.0.0.1:{self.grpc_port}" if protocol == "v2-grpc" else self.http_url


class ModelServer(Protocol):
    """A server that can be started."""

    def missing(self) -> str:
        """How to install what is missing; empty when nothing is."""

    def running(self) -> contextlib.AbstractContextManager[Address]:
        """Runs it; entered when it is ready.

        Raises:
            ServerFailedError: it ended, was not ready in time, or was not itself.
        """


@dataclass(frozen=True)
class SimulatedServer:
    """Serves a queue exactly.

    Attributes:
        queue: How batches are formed and how long they take.
        stall_number: The request, counted from 1, during which the server stalls.
        stall_seconds: For how long.
        most_late_seconds: The 99th percentile of how late its timers may answer a batch; the 99.9th
            may be four times that, which sees a core taken for moments. Above, it was not the queue
            that it claims to be, and leaving it raises.
        slo_seconds: What the queue itself keeps waiting for longer does not count for that.
    """

    queue: BatchQueue
    stall_number: int = 0
    stall_seconds: float = 0.0
    most_late_seconds: float = math.inf
    slo_seconds: float = math.inf

    def missing(self) -> str:
        return ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Address]:
        flags = {
            "engines": self.queue.engines,
            "base-ms": self.queue.base_seconds * 1000,
            "request-ms": self.queue.request_seconds * 1000,
            "max-batch": self.queue.max_batch,
            "delay-ms": self.queue.delay_seconds * 1000,
            "stall-number": self.stall_number,
            "stall-ms": self.stall_seconds * 1000,
            "slo-ms": self.slo_seconds * 1000,
        }
        command = [sys.executable, "-m", "benchmarks.load_generator.simulated_server"]
        command += [f"--{name}={value!r}" for name, value in flags.items()]
        with on_cores(SERVER):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ServerFailedError("The simulated server ended before it was ready.")
            yield (address := Address(int(line)))
            with urllib.request.urlopen(f"{address.http_url}/lateness", timeout=10) as answer:
                check_lateness(json.load(answer), self.most_late_seconds)
        finally:
            process.kill()
            process.communicate()


def check_lateness(late_seconds: Mapping[str, float], most_seconds: float) -> None:
    """Checks what a simulated server has told of its timers.

    Args:
        late_seconds: How late they were, by quantile.
        most_seconds: How late the 99th percentile may be; the 99.9th may be four times that.

    Raises:
        ServerFailedError: they were later.
    """
    for share, times in _MOST_LATE_TIMES.items():
        most, late = times * most_seconds, late_seconds[share]
        if late > most:
            raise ServerFailedError(
                f"{float(share) * 100:g} % of the simulated server's answers must be at most "
                f"{most * 1000:.3g} ms behind its plan; it was {late * 1000:.3g} ms. "
                "Its core was too slow or too busy, so nothing has been measured."
            )


@dataclass(frozen=True)
class MlServer:
    """MLServer with the model of ``mlserver_model`` in one worker process."""

    folder: Path = Path(".venv-mlserver")

    def missing(self) -> str:
        return "" if (self.folder / "bin/mlserver").exists() else f"make {self.folder}/.ready"

    @contextlib.contextmanager
    def running(self) -> Iterator[Address]:
        ports = [_free_port() for _ in range(3)]
        names = ("MLSERVER_HTTP_PORT", "MLSERVER_GRPC_PORT", "MLSERVER_METRICS_PORT")
        settings = {name: str(port) for name, port in zip(names, ports, strict=True)}
        settings |= {"MLSERVER_PARALLEL_WORKERS": "1", "MLSERVER_DEBUG": "false"}
        # A full collection of Python's garbage would stall all requests for 0.1 s.
        code = "import gc, mlserver.cli; gc.set_threshold(50000); mlserver.cli.main()"
        with tempfile.TemporaryDirectory() as folder:
            write_mlserver_folder(Path(folder))
            command = [str((self.folder / "bin/python").absolute()), "-c", code, "start", folder]
            with _group(command, settings) as (process, log):
                _wait_until_ready(process, log, ports[0], f"/v2/models/{MODEL}/ready")
                yield Address(ports[0], ports[1])


@dataclass(frozen=True)
class TritonServer:
    """Triton with the model of ``triton_model``."""

    folder: Path = Path(".venv-triton")

    def missing(self) -> str:
        return "" if (self.folder / "bin/tritonserver").exists() else f"make {self.folder}/.ready"

    @contextlib.contextmanager
    def running(self) -> Iterator[Address]:
        ports = [_free_port() for _ in range(3)]
        command = [str((self.folder / "bin/tritonserver").absolute())]
        for name, port in zip(("http", "grpc", "metrics"), ports, strict=True):
            command.append(f"--{name}-port={port}")
        with tempfile.TemporaryDirectory() as repository:
            write_triton_repository(Path(repository))
            command.append(f"--model-repository={repository}")
            # The Python in PATH decides where the model's process looks for packages.
            path = f"{(self.folder / 'bin').absolute()}:{os.environ['PATH']}"
            with _group(command, {"PATH": path, "OMP_NUM_THREADS": "1"}) as (process, log):
                _wait_until_ready(process, log, ports[0], f"/v2/models/{MODEL}/ready")
                yield Address(ports[0], ports[1])


@contextlib.contextmanager
def _group(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """Runs a command; at the end the whole process group is stopped."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output, on_cores(SERVER):
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process, log
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path, port: int, path: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _status(port, path) == 200:
            return
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-_LOG_TAIL:]
    raise ServerFailedError(f"The server ended or was not ready in {_READY_SECONDS:g} s:\n{tail}")


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
