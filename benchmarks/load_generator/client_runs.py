"""The client itself, beside others: what a request costs, and whether a stall shows."""

import json
import sys
from collections.abc import Callable

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.bisection import Window
from benchmarks.load_generator.commands import run
from benchmarks.load_generator.peers import hey, locust, perf_analyzer, vegeta, wrk
from benchmarks.load_generator.peers.http_request import HttpRequest
from benchmarks.load_generator.results import ClosedLoop, Stall
from benchmarks.load_generator.servers import Address, SimulatedServer

CONCURRENCY, SECONDS = 32, 10
_PERF_ANALYZER_REQUESTS = 80_000  # about as many seconds
STALL_RATE = 200
_STALL_QUEUE = BatchQueue(engines=4, base_seconds=0.002)
_STALL_NUMBER, _STALL_SECONDS = 1000, 1.0
# No SLO may end these stretches early.
_NO_SLO_MS = 60_000.0

# What a client told: requests, its 99th percentile, and what it cost.
Told = tuple[int, float, float, float]


def closed_loop(client: str, repeat: int) -> ClosedLoop:
    """A client of ``closed_clients`` against a server that answers at once.

    Raises:
        CommandError: it failed.
    """
    with SimulatedServer(BatchQueue(engines=1, base_seconds=0.0)).running() as address:
        count, _, cpu_seconds, seconds = closed_clients()[client](address)
    return ClosedLoop(client, repeat, count, seconds, cpu_seconds)


def stall(client: str, text: str, repeat: int) -> Stall:
    """A client of ``stall_clients`` against a server that stalls once for a second.

    Raises:
        CommandError: it failed.
    """
    server = SimulatedServer(_STALL_QUEUE, _STALL_NUMBER, _STALL_SECONDS)
    with server.running() as address:
        count, p99_ms, _, _ = stall_clients(repeat)[client, text](address)
    return Stall(client, text, repeat, p99_ms, count)


def closed_clients() -> dict[str, Callable[[Address], Told]]:
    """Clients that are installed, each with what runs it in a closed loop."""
    clients: dict[str, Callable[[Address], Told]] = {
        "load_generator": lambda a: _own(a, f"--concurrency={CONCURRENCY}"),
    }
    if not perf_analyzer.PerfAnalyzer().missing():
        clients["perf_analyzer"] = lambda a: _of(
            perf_analyzer.closed_loop(a, CONCURRENCY, _PERF_ANALYZER_REQUESTS)
        )
    if not vegeta.Vegeta().missing():
        clients["vegeta"] = lambda a: _of(vegeta.closed_loop(_request(a), CONCURRENCY, SECONDS))
    if not locust.Locust().missing():
        clients["locust"] = lambda a: _locust(a, CONCURRENCY, 0.0)
    if not hey.missing():
        clients["hey"] = lambda a: _of(hey.closed_loop(f"{a.http_url}/", CONCURRENCY, SECONDS))
    if not wrk.Wrk().missing():
        clients["wrk"] = lambda a: _wrk(a, CONCURRENCY)
    return clients


def stall_clients(seed: int) -> dict[tuple[str, str], Callable[[Address], Told]]:
    """Clients that are installed, each with how it sends, and what runs it so."""
    rate = STALL_RATE
    clients: dict[tuple[str, str], Callable[[Address], Told]] = {
        ("load_generator", "open loop, Poisson"): lambda a: _own(
            a, f"--rate={rate}", f"--seed={seed}"
        ),
        ("load_generator", "its closed loop, only used for the capacity"): lambda a: _own(
            a, "--concurrency=4"
        ),
    }
    if not perf_analyzer.PerfAnalyzer().missing():
        clients["perf_analyzer", "open loop, Poisson, windows of 4 s"] = lambda a: _of(
            perf_analyzer.at_rate(a, rate)
        )
    if not vegeta.Vegeta().missing():
        clients["vegeta", "open loop, evenly spaced"] = lambda a: _of(
            vegeta.attack(_request(a), rate, SECONDS, _NO_SLO_MS)
        )
    if not locust.Locust().missing():
        clients["locust", "10 users, each up to 20 a second"] = lambda a: _locust(a, 10, rate / 10)
    if not hey.missing():
        clients["hey", "closed loop, 4 workers"] = lambda a: _of(
            hey.closed_loop(f"{a.http_url}/", 4, SECONDS)
        )
    if not wrk.Wrk().missing():
        clients["wrk", "closed loop, 4 connections, which it corrects"] = lambda a: _wrk(a, 4)
    return clients


def _own(address: Address, *flags: str) -> Told:
    program = [sys.executable, "-m", "benchmarks.load_generator.own_load"]
    target = [f"--url={address.http_url}", "--protocol=http", f"--slo-ms={_NO_SLO_MS:g}"]
    ran = run([*program, *target, f"--seconds={SECONDS}", *flags])
    found = json.loads(ran.text)
    return found["num_requests"], found["p99_ms"], ran.cpu_seconds, found["seconds"]


def _wrk(address: Address, connections: int) -> Told:
    ran, summary = wrk.run_wrk(_request(address), connections, SECONDS)
    return summary.num_requests, summary.p99_seconds * 1000, ran.cpu_seconds, summary.seconds


def _locust(address: Address, users: int, rate_of_user: float) -> Told:
    return _of(locust.swarm(_request(address), users, rate_of_user, SECONDS, _NO_SLO_MS))


def _of(window: Window) -> Told:
    return (
        window.num_requests,
        window.p99_ms,
        window.cpu_seconds,
        window.num_requests / window.rate_rps,
    )


def _request(address: Address) -> HttpRequest:
    return HttpRequest(f"{address.http_url}/")
