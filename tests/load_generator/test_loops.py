"""Open and closed loop against a real HTTP server on a socket."""

import asyncio
import heapq
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
import pytest

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.queue_kinds import BatchingQueue
from benchmarks.load_generator.virtual_time import virtual_time
from load_generator.answer import GOOD, Answer
from load_generator.client import Client, open_client
from load_generator.closed_loop import ClosedLoop, relative_error
from load_generator.open_loop import OpenLoop
from load_generator.records import Limits
from load_generator.sample import Sample
from load_generator.schedule import Opening, poisson_send_times, probe_send_times
from load_generator.slo import Slo
from tests.fakes.model_server import ModelServer, serve
from tests.load_generator.builders import config

T = TypeVar("T")
LIMITS = Limits(slo=Slo(latency_seconds=0.2), timeout_seconds=2.0)


def with_server(
    server: ModelServer, work: Callable[[Client], Awaitable[T]], **changes: object
) -> T:
    async def run() -> T:
        stopper, port = await serve(server)
        try:
            url = f"http://127.0.0.1:{port}/"
            async with open_client(config(url=url, **changes)) as client:
                return await work(client)
        finally:
            await stopper.cleanup()
            await asyncio.sleep(0.02)  # for the last transports to notice

    return asyncio.run(run())


async def closed_loop(client: Client, *, concurrency: int, seconds: float) -> Sample:
    loop = ClosedLoop(
        client.send, LIMITS, concurrency=concurrency, seconds=seconds, patience_seconds=1.0
    )
    return await loop.run()


def open_loop(server: ModelServer, rate: float, seconds: float, limits: Limits = LIMITS) -> Sample:
    offsets = poisson_send_times(rate, round(rate * seconds), seed=1)
    return with_server(server, lambda client: OpenLoop(client.send, limits, offsets).run())


def test_arrivals_are_poisson_seeded_and_ascending():
    times = poisson_send_times(200.0, 20_000, seed=5)
    gaps = np.diff(times)
    assert (gaps >= 0).all()
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.03)
    assert gaps.std() == pytest.approx(1 / 200, rel=0.05)  # exponential: mean equals deviation
    assert (times == poisson_send_times(200.0, 20_000, seed=5)).all()
    assert (times != poisson_send_times(200.0, 20_000, seed=6)).any()


def test_streams_of_one_seed_are_the_same_at_every_rate_up_to_scale():
    slow, fast = (poisson_send_times(rate, 100, seed=5) for rate in (10.0, 40.0))
    assert slow == pytest.approx(fast * 4)


def test_below_capacity_everything_is_answered_in_time():
    server = ModelServer(service_seconds=0.005, workers=4)
    sample = open_loop(server, 100.0, 2.0)
    assert sample.num_requests == 200
    assert server.num_requests == 200
    assert sample.stop_reason == ""
    assert not sample.is_error.any()
    assert np.median(sample.latency_seconds) == pytest.approx(0.006, abs=0.004)
    assert sample.throughput_rps == pytest.approx(100, rel=0.15)


def test_overload_is_given_up_early():
    sample = open_loop(ModelServer(service_seconds=0.02), 200.0, 20.0)
    assert sample.stop_reason
    assert sample.seconds < 5
    assert sample.violations(LIMITS.slo).mean() > 0.01


def test_a_stall_shows_in_the_latency_of_all_that_were_due_meanwhile():
    # One second of silence at 100 rps: about 100 requests wait, evenly 0 to 1 s. A client that
    # waits for answers before it sends would see one slow request and hide the rest.
    server = ModelServer(service_seconds=0.001, workers=4, stall_at=1.0, stall_seconds=1.0)
    server.workers = 1
    patient = Limits(slo=Slo(latency_seconds=5), timeout_seconds=10)
    sample = open_loop(server, 100.0, 4.0, patient)
    late = sample.latency_seconds[sample.latency_seconds > 0.1]
    assert 70 < len(late) < 110
    assert late.max() == pytest.approx(1.0, abs=0.1)
    assert late.mean() == pytest.approx(0.55, abs=0.1)
    assert np.percentile(sample.latency_seconds, 99) > 0.9


def test_one_stall_alone_is_not_hopeless():
    server = ModelServer(service_seconds=0.001, stall_at=0.5, stall_seconds=0.3)
    sample = open_loop(server, 100.0, 3.0)
    assert sample.stop_reason == ""
    assert sample.num_requests == 300


def test_errors_count_as_violations_with_the_timeout_as_latency():
    server = ModelServer(service_seconds=0.001, workers=4, fail_share=0.005)
    sample = open_loop(server, 200.0, 2.0)
    assert sample.is_error.sum() >= 1
    assert (sample.latency_seconds[sample.is_error] >= LIMITS.timeout_seconds).all()
    assert sample.last_error == "status 500: planned failure"


def test_closed_loop_finds_the_capacity():
    sample = with_server(
        ModelServer(service_seconds=0.01, workers=2),
        lambda client: ClosedLoop(
            client.send, LIMITS, concurrency=4, seconds=2.0, patience_seconds=1
        ).run(),
    )
    assert sample.throughput_rps == pytest.approx(200, rel=0.05)
    assert np.median(sample.latency_seconds) == pytest.approx(0.02, rel=0.3)


def test_closed_loop_finds_the_capacity_in_the_time_of_two_answers():
    # 20 slots of a second each, 40 requests in flight for two seconds: answers come from 1 s to
    # 4 s, and from 3 s on fewer and fewer requests are left.
    async def run() -> float:
        free = [0.0] * 20
        loop = asyncio.get_running_loop()
        spread = itertools.count()

        async def send(_: int) -> Answer:
            now = loop.time()
            start = max(now, heapq.heappop(free))
            end = start + (0.5 + next(spread) % 20 / 19)
            heapq.heappush(free, end)
            await asyncio.sleep(end - now)
            return GOOD

        stretch = ClosedLoop(send, LIMITS, concurrency=40, seconds=1.6, patience_seconds=10.0)
        return (await stretch.run()).throughput_rps

    with virtual_time() as runner:
        assert runner.run(run()) == pytest.approx(20, rel=0.06)


def test_the_error_of_a_capacity_is_that_of_its_rounds():
    regular = np.arange(1, 401) / 100
    batches = np.repeat(np.arange(1, 101) / 25, 4)
    assert relative_error(regular, 4) == pytest.approx(0, abs=1e-9)
    assert relative_error(batches, 4) == pytest.approx(0, abs=1e-9)
    # Of n exponential gaps the mean has a standard error of 1/sqrt(n).
    gaps = np.random.default_rng(1).standard_exponential(10_000)
    assert relative_error(np.cumsum(gaps), 4) == pytest.approx(0.01, rel=0.1)
    assert relative_error(np.array([1.0]), 4) == 1.0
    assert relative_error(np.full(25, 3.0), 25) == pytest.approx(0.2)


def test_regular_batches_are_no_scatter_however_many_are_in_flight():
    # Batches of 12 every 0.2 s, 32 in flight: rounds of two or three batches.
    done_at = np.repeat(np.arange(12) * 0.2, 12)
    assert relative_error(done_at, concurrency=32) < 0.001
    ragged = done_at + np.repeat(np.random.default_rng(1).uniform(0, 0.15, 12), 12)
    assert 0.02 < relative_error(np.sort(ragged), concurrency=32) < 0.1


def test_a_short_closed_loop_of_batches_finds_the_capacity():
    # Batches of 48 every 0.32 s, 256 in flight: only some batches are in the time of sending.
    queue = BatchingQueue("", BatchQueue(1, base_seconds=0.32, max_batch=48), slo_seconds=9.0)

    async def run() -> float:
        send = queue.sender(1)
        stretch = ClosedLoop(send, LIMITS, concurrency=256, seconds=1.5, patience_seconds=10.0)
        return (await stretch.run()).throughput_rps

    with virtual_time() as runner:
        assert runner.run(run()) == pytest.approx(150, rel=0.001)


def test_the_opening_of_a_probe_comes_before_what_counts():
    times = probe_send_times(10.0, 5.0, Opening(seconds=2.0, num_queued=3), seed=5)
    assert len(times) == 20 + 3 + 50
    assert (np.diff(times) >= 0).all()
    assert (times[:20] < 0).all()
    assert (times[20:23] == 0).all()
    assert times[23:] == pytest.approx(poisson_send_times(10.0, 50, seed=5))


def test_the_opening_of_a_probe_decides_nothing():
    # Forty requests at once, of which all but twenty are late; those that follow are not.
    offsets = np.concatenate([[-0.2, -0.1], np.zeros(40), np.linspace(1.0, 2.0, 100)])
    server = ModelServer(service_seconds=0.01)
    sample = with_server(server, lambda client: OpenLoop(client.send, LIMITS, offsets).run())
    assert sample.stop_reason == ""
    assert sample.num_requests == 142
    counted = sample.after_start()
    assert counted.num_requests == 100
    assert counted.throughput_rps == pytest.approx(50, rel=0.1)


def test_a_refusing_server_does_not_spin_the_client():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"

    async def run() -> Sample:
        async with open_client(config(url=url)) as client:
            return await ClosedLoop(
                client.send, LIMITS, concurrency=2, seconds=0.5, patience_seconds=1
            ).run()

    sample = asyncio.run(run())
    assert sample.is_error.all()
    assert sample.num_requests < 120
    assert "refused the connection" in sample.last_error


def test_a_server_that_dies_in_mid_probe_is_a_miss_and_not_a_hang():
    async def run() -> Sample:
        stopper, port = await serve(ModelServer(service_seconds=0.001, workers=4))
        async with open_client(config(url=f"http://127.0.0.1:{port}/")) as client:
            loop = OpenLoop(client.send, LIMITS, poisson_send_times(100.0, 1000, seed=1))
            probe = asyncio.create_task(loop.run())
            await asyncio.sleep(1.0)
            await stopper.cleanup()
            return await asyncio.wait_for(probe, 20)

    sample = asyncio.run(run())
    assert sample.stop_reason
    assert sample.is_error.sum() > 10
