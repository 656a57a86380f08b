"""Several sending processes against one real server: together they are one load generator."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pytest
from aiohttp import web

from load_generator import workers
from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.errors import PayloadError, ServerNotReadyError
from load_generator.event_loop import new_event_loop
from load_generator.load_test import run_load_test
from load_generator.schedule import Opening, poisson_send_times
from load_generator.snapshot import Snapshot
from load_generator.workers import WorkerDiedError, WorkerMeter
from tests.fakes.model_server import ModelServer, serve
from tests.load_generator.builders import config

T = TypeVar("T")


def with_workers(
    server: ModelServer, work: Callable[[WorkerMeter], Awaitable[T]], **changes: object
) -> T:
    seen: list[Snapshot] = []

    async def run() -> T:
        stopper, port = await serve(server)
        given = {"url": f"http://127.0.0.1:{port}/", "processes": 2, "max_seconds": 20.0, **changes}
        meter = WorkerMeter(config(**given), seen.append)
        try:
            async with meter:
                return await work(meter)
        finally:
            await stopper.cleanup()
            await asyncio.sleep(0.02)

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:  # as the command line does
            return runner.run(run())
    finally:
        assert multiprocessing.active_children() == []


async def open_loop(meter: WorkerMeter, rate: float, seconds: float):
    await meter.get_ready()
    return await meter.open_loop(rate, seconds, 3, "rate", Opening())


def test_together_they_send_one_poisson_stream():
    server = ModelServer(service_seconds=0.002, workers=8)
    sample = with_workers(server, lambda meter: open_loop(meter, 100.0, 2.0))
    assert sample.num_requests == 200
    assert sample.due_seconds == pytest.approx(poisson_send_times(100.0, 200, seed=3))
    assert not sample.is_error.any()
    assert len(sample.lag_seconds) == 200
    assert (sample.latency_seconds > 0).all()
    assert server.num_requests == 202  # each process asks once whether it is ready


def test_one_that_sees_no_hope_stops_the_other():
    server = ModelServer(service_seconds=0.02)
    sample = with_workers(server, lambda meter: open_loop(meter, 200.0, 15.0))
    assert sample.stop_reason
    assert server.num_requests < 3000


def test_long_schedules_and_results_come_through_whole():
    # 100,000 instants to each process: many times what a socket holds at once.
    server = ModelServer(service_seconds=0.02)
    sample = with_workers(server, lambda meter: open_loop(meter, 2000.0, 100.0))
    assert sample.stop_reason


@dataclass
class CountingServer(ModelServer):
    """Knows how many requests have been open at a time."""

    num_open: int = 0
    most_open: int = 0

    async def infer(self, request: web.Request) -> web.Response:
        self.num_open += 1
        self.most_open = max(self.most_open, self.num_open)
        try:
            return await super().infer(request)
        finally:
            self.num_open -= 1


def test_the_concurrency_is_shared_out():
    server = CountingServer(service_seconds=0.05, workers=3)

    async def work(meter: WorkerMeter):
        await meter.get_ready()
        server.most_open = 0
        await meter.closed_loop(1, 0.3, "idle")
        most_alone = server.most_open
        return most_alone, await meter.closed_loop(3, 1.0, "saturation")

    most_alone, three = with_workers(server, work)
    assert (most_alone, server.most_open) == (1, 3)
    assert (np.diff(three.due_seconds) >= 0).all()
    assert three.throughput_rps > 0


def test_a_server_that_never_comes():
    with pytest.raises(ServerNotReadyError, match=r"within 1 s.*status 503"):
        with_workers(
            ModelServer(0.001, is_ready=False), WorkerMeter.get_ready,
            protocol="v2-rest", model="m", ready_seconds=1.0,
        )  # fmt: skip


def test_a_payload_that_cannot_be_made():
    with pytest.raises(PayloadError, match="must be JSON"):
        with_workers(
            ModelServer(0.001), WorkerMeter.get_ready,
            protocol="v2-rest-binary", model="m", payload=b"no JSON",
        )  # fmt: skip


async def strike(meter: WorkerMeter, server: ModelServer, number: signal.Signals) -> None:
    """Sends a signal to one of the processes in the middle of a stretch of load."""
    await meter.get_ready()
    probe = asyncio.create_task(meter.open_loop(50.0, 100.0, 0, "rate", Opening()))
    while server.num_requests < 10:
        await asyncio.sleep(0.01)
    os.kill(multiprocessing.active_children()[0].pid or 0, number)
    await asyncio.wait_for(probe, 60)


def test_a_process_that_dies_is_an_error_and_no_hang():
    server = ModelServer(0.001)
    with pytest.raises(WorkerDiedError, match="one was ended by SIGKILL"):
        with_workers(server, lambda meter: strike(meter, server, signal.SIGKILL))


def test_a_process_that_stands_still_is_an_error_and_no_hang(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "_SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(workers, "_JOIN_SECONDS", 0.1)
    server = ModelServer(0.001)
    with pytest.raises(WorkerDiedError, match="one said nothing for 1 s"):
        with_workers(server, lambda meter: strike(meter, server, signal.SIGSTOP))


def test_the_caller_has_its_signals_back():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with_workers(ModelServer(0.001), WorkerMeter.get_ready)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_whole_load_test():
    seen: list[Snapshot] = []

    async def run(given: LoadTestConfig):
        return await run_load_test(given, Cost(), lambda _: None, seen.append)

    async def work():
        stopper, port = await serve(ModelServer(service_seconds=0.01, workers=2))
        try:
            url = f"http://127.0.0.1:{port}/"
            return await run(config(url=url, processes=2, max_seconds=4.0, slo_ms=1000.0))
        finally:
            await stopper.cleanup()
            await asyncio.sleep(0.02)

    report = asyncio.run(work())
    assert report.feasible
    assert report.peak_rps > 0
    assert {one.phase for one in seen} >= {"waiting", "rate"}
    busiest = max((one for one in seen if one.phase == "rate"), key=lambda one: one.num_sent)
    assert busiest.num_done + busiest.num_open == busiest.num_sent > 0
