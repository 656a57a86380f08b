"""Sends requests from several clients while memory and health are watched."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.soak.workload import Request
from benchmarks.suggestion_latency.measurement import resident_mib
from protos.katib import api_pb2, api_pb2_grpc

_WATCH_SECONDS = 0.25
# The limit of Katib's probes.
HEALTH_SECONDS = 1.0


@dataclass
class Watched:
    """What is seen of a service while it is under load.

    Attributes:
        health_seconds: How long each health check took; infinite for one without an answer in time.
        memory_mib: Resident memory at each health check.
    """

    health_seconds: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)


@contextmanager
def watching(process_id: int, port: int) -> Iterator[Watched]:
    """Checks health and memory four times a second, from another thread."""
    watched, stopped = Watched(), threading.Event()

    def watch() -> None:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while not stopped.wait(_WATCH_SECONDS):
                begun = time.perf_counter()
                try:
                    stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_SECONDS)
                    watched.health_seconds.append(time.perf_counter() - begun)
                except grpc.RpcError:
                    watched.health_seconds.append(float("inf"))
                watched.memory_mib.append(resident_mib(process_id))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        stopped.set()
        thread.join()


def send(
    port: int, requests: Sequence[Callable[[], Request]], num_clients: int, done: Callable[[], None]
) -> tuple[Counter[str], list[float]]:
    """Sends all requests, each client one after the other.

    Args:
        port: Of the service.
        requests: Make the requests; made when they are sent.
        num_clients: How many are under way at once.
        done: Called after each.

    Returns:
        Answers by status code, and the seconds of each.
    """
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = api_pb2_grpc.SuggestionStub(channel)

        def ask(make: Callable[[], Request]) -> tuple[str, float]:
            asked = make()
            begun = time.perf_counter()
            code = _code(stub, asked)
            done()
            return code, time.perf_counter() - begun

        with ThreadPoolExecutor(num_clients) as pool:
            answers = list(pool.map(ask, requests))
    return Counter(code for code, _ in answers), [seconds for _, seconds in answers]


def _code(stub: api_pb2_grpc.SuggestionStub, asked: Request) -> str:
    try:
        if isinstance(asked, api_pb2.ValidateAlgorithmSettingsRequest):
            stub.ValidateAlgorithmSettings(asked, timeout=60)
            return "OK"
        reply = stub.GetSuggestions(asked, timeout=60)
    except grpc.RpcError as error:
        return str(error.code().name)
    is_whole = len(reply.parameter_assignments) == asked.current_request_number
    return "OK" if is_whole else "WRONG_COUNT"
