import heapq
import http.client
import itertools
import json
import signal
import subprocess
import sys
import time
import urllib.request
from array import array
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.servers import ServerFailedError, SimulatedServer, check_lateness
from benchmarks.load_generator.simulated_server import Engines, lateness_quantiles

QUEUES = (
    BatchQueue(1, base_seconds=0.9),
    BatchQueue(3, base_seconds=2.7),
    BatchQueue(1, base_seconds=3, request_seconds=0.2, max_batch=6, delay_seconds=0.5),
    BatchQueue(2, base_seconds=4, request_seconds=0.5, max_batch=4, delay_seconds=3),
)


class _Clock:
    """Virtual time: calls back in order, late by up to ``lateness``."""

    def __init__(self, lateness: float) -> None:
        self._lateness, self._source = lateness, np.random.default_rng(3)
        self._events: list[tuple[float, int, float, Callable[[], None]]] = []
        self._order = itertools.count()
        self.planned = 0.0

    def call_at(self, when: float, callback: Callable[[], None], is_late: bool = True) -> None:
        late = self._lateness * float(self._source.random()) if is_late else 0.0
        heapq.heappush(self._events, (when + late, next(self._order), when, callback))

    def run(self) -> None:
        while self._events:
            _, _, self.planned, callback = heapq.heappop(self._events)
            callback()


def _served(
    queue: BatchQueue,
    arrivals: NDArray[np.float64],
    lateness: float = 0.0,
    stall: tuple[int, float] = (0, 0.0),
) -> NDArray[np.float64]:
    """Latencies by the instants for which answers were planned, shape ``[n]``."""
    clock = _Clock(lateness)
    engines = Engines(queue, clock.call_at, *stall)
    done_at = np.full(len(arrivals), np.nan)

    def answer(number: int) -> None:
        done_at[number] = clock.planned

    for number, arrival in enumerate(arrivals.tolist()):
        callback = partial(engines.arrive, arrival, partial(answer, number))
        clock.call_at(arrival, callback, is_late=False)
    clock.run()
    return done_at - arrivals


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("lateness", [0.0, 0.4])
def test_serves_what_the_simulation_says(queue: BatchQueue, lateness: float) -> None:
    arrivals = np.cumsum(np.random.default_rng(2).standard_exponential(3000))
    np.testing.assert_allclose(_served(queue, arrivals, lateness), queue.latencies(arrivals))


def test_tells_of_each_batch_when_it_was_planned_and_its_least_latency() -> None:
    clock, told = _Clock(0.3), []
    queue = BatchQueue(1, base_seconds=2, max_batch=2)
    engines = Engines(queue, clock.call_at, on_batch=lambda *batch: told.append(batch))
    for arrival in (0.0, 0.5, 1.5, 1.75):
        clock.call_at(arrival, partial(engines.arrive, arrival, lambda: None), is_late=False)
    clock.run()
    # The first goes alone; then those of 0.5 and 1.5 together, and the last.
    assert told == [(2.0, 2.0), (4.0, 2.5), (6.0, 4.25)]


def test_a_stall_stops_all_engines() -> None:
    arrivals = np.arange(8) * 1.0
    latency = _served(BatchQueue(2, base_seconds=1), arrivals, stall=(3, 5.0))
    # The third arrives at 2 and is done at 8; until then nobody else starts.
    np.testing.assert_allclose(latency, [1, 1, 6, 6, 5, 5, 4, 4])


def test_answers_over_http() -> None:
    with SimulatedServer(BatchQueue(1, base_seconds=0.001)).running() as address:
        for path in ("/", "/v2/models/simulated/infer"):
            body = b'{"id":"7_1","inputs":[]}' if path != "/" else None
            with urllib.request.urlopen(address.http_url + path, body) as answer:
                found = json.load(answer)
            assert found["outputs"][0]["name"] == "y"
            assert found["id"] == ("7_1" if body else "")
        with urllib.request.urlopen(f"{address.http_url}/v2/models/simulated") as answer:
            assert json.load(answer)["inputs"][0]["shape"] == [4]


@pytest.mark.parametrize(("slo_ms", "is_told"), [(110, True), (90, False)])
def test_tells_how_late_answers_within_the_slo_were(slo_ms: int, is_told: bool) -> None:
    command = [sys.executable, "-m", "benchmarks.load_generator.simulated_server"]
    command += ["--base-ms=100", f"--slo-ms={slo_ms}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            connection = http.client.HTTPConnection("127.0.0.1", int(process.stdout.readline()))
            connection.request("GET", "/")
            time.sleep(0.05)
            process.send_signal(signal.SIGSTOP)  # as if others had its core
            time.sleep(0.4)
            process.send_signal(signal.SIGCONT)
            connection.getresponse().read()
            connection.request("GET", "/lateness")
            late_seconds = json.load(connection.getresponse())
            connection.close()
        finally:
            process.kill()
    assert late_seconds["0.99"] == late_seconds["0.999"]
    assert (late_seconds["0.99"] > 0.2) == is_told


def test_what_is_rarely_late_shows_in_the_last_quantile_only() -> None:
    lateness = array("d", [0.0] * 1995 + [0.1] * 5)
    assert lateness_quantiles(lateness) == {"0.99": 0.0, "0.999": 0.1}


def test_a_server_that_was_late_measures_nothing() -> None:
    # Any timer is later than a second before its time.
    server = SimulatedServer(BatchQueue(1, base_seconds=0.001), most_late_seconds=-1.0)
    with (
        pytest.raises(ServerFailedError, match="at most -1e\\+03 ms behind"),
        server.running() as at,
    ):
        urllib.request.urlopen(at.http_url).read()


def test_what_is_rarely_late_may_be_four_times_as_late() -> None:
    check_lateness({"0.99": 0.005, "0.999": 0.02}, most_seconds=0.005)
    rule = "99.9 % of .* answers must be at most 20 ms behind its plan; it was 21 ms"
    with pytest.raises(ServerFailedError, match=rule):
        check_lateness({"0.99": 0.0, "0.999": 0.021}, most_seconds=0.005)


def test_a_server_on_time_may_be_left() -> None:
    server = SimulatedServer(BatchQueue(1, base_seconds=0.001), most_late_seconds=1.0)
    with server.running() as address:
        urllib.request.urlopen(address.http_url).read()
