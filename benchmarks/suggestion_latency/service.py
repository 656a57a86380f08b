"""Measures our service: the process that a Deployment would run, held to one core."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc

from benchmarks.suggestion_latency.measurement import Measurement, resident_mib
from benchmarks.suggestion_latency.requests import LARGE, SMALL, request
from protos.katib import api_pb2_grpc


def measure_service(
    name: str,
    settings: Mapping[str, str],
    *,
    num_calls: int,
    num_large_calls: int,
    core: int,
    log: Path,
) -> Measurement:
    """Starts a service, times its calls and ends it.

    Args:
        name: For the table.
        settings: Algorithm settings of the Experiment.
        num_calls: Calls on the space of 720 configurations, each with other trials.
        num_large_calls: Calls on the space of 120,000.
        core: The core that the service may use.
        log: Where its messages go.
    """
    begun = time.perf_counter()
    with running_service(log, core) as (process_id, port):
        serving = time.perf_counter() - begun
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = api_pb2_grpc.SuggestionStub(channel)
            first, *_ = _timed_calls(stub, settings, num_calls=1, first_seed=0, is_large=False)
            calls = _timed_calls(stub, settings, num_calls, first_seed=1, is_large=False)
            small_memory = resident_mib(process_id)
            large = _timed_calls(stub, settings, num_large_calls, first_seed=1000, is_large=True)
            return Measurement(
                name, serving, first, calls, large, small_memory, resident_mib(process_id)
            )


@contextlib.contextmanager
def running_service(log: Path, core: int | None = None) -> Iterator[tuple[int, int]]:
    """A service in a process of its own, killed at the end.

    Args:
        log: Where its messages go.
        core: The only core that it may use; None for all.

    Yields:
        Its process and its port.
    """
    command = [sys.executable, "-m", "suggestion", "--port=0", "--metrics-port=0"]
    with log.open("w") as messages:
        process = subprocess.Popen(
            [*command, "--log-level=warning"], stdout=subprocess.PIPE, stderr=messages, text=True
        )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        yield process.pid, _wait_for_port(process, log)
    finally:
        process.kill()
        process.communicate()


def _wait_for_port(process: "subprocess.Popen[str]", log: Path) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    if "SERVING on port" not in line:
        raise RuntimeError(f"The service must come up, but printed {line!r}; see {log}.")
    return int(line.rsplit(maxsplit=1)[-1])


def _timed_calls(
    stub: api_pb2_grpc.SuggestionStub,
    settings: Mapping[str, str],
    num_calls: int,
    first_seed: int,
    *,
    is_large: bool,
) -> list[float]:
    """Seconds of each call, as its client sees it."""
    seconds = []
    for seed in range(first_seed, first_seed + num_calls):
        asked = request(LARGE if is_large else SMALL, settings, seed)
        begun = time.perf_counter()
        stub.GetSuggestions(asked)
        seconds.append(time.perf_counter() - begun)
    return seconds
