"""Capacity and idle latency from closed loops."""

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.queue_kinds import BatchingQueue
from benchmarks.load_generator.tuning import config_of, find_peak
from load_generator.closed_search import ClosedLoops
from load_generator.finding import InfeasibleError
from load_generator.report import Probe
from load_generator.sample import Sample
from load_generator.schedule import Opening
from tests.load_generator.builders import config


def saturation(queue: BatchingQueue, profile: str) -> list[Probe]:
    probes: list[Probe] = []
    find_peak(queue, config_of(queue, profile, seed=1), probes.append)
    return [probe for probe in probes if probe.kind == "saturation"]


def test_concurrency_rises_until_throughput_does_not():
    queue = BatchingQueue("", BatchQueue(12, base_seconds=0.05), slo_seconds=0.4)
    steps = saturation(queue, "quick")
    # Four times as much while throughput follows, then twice.
    assert [step.concurrency for step in steps] == [4, 16, 32]
    assert steps[-1].achieved_rps == pytest.approx(240, rel=0.02)


def test_slow_servers_are_filled_in_large_steps():
    queue = BatchingQueue("", BatchQueue(40, base_seconds=3.0), slo_seconds=9.0)
    steps = saturation(queue, "precise")
    assert [step.concurrency for step in steps] == [8, 32, 128]
    assert max(step.achieved_rps for step in steps) == pytest.approx(40 / 3, rel=0.1)
    # All of them together leave more than half of the four minutes.
    assert sum(step.seconds for step in steps) < 110


@dataclass
class Scripted:
    """Latencies by the number of requests in flight."""

    latencies: dict[int, list[float]] = field(default_factory=dict)

    def seconds_left(self) -> float:
        return 60.0

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        latency = np.array(self.latencies[concurrency])
        count = len(latency)
        return Sample(
            due_seconds=np.arange(float(count)),
            latency_seconds=latency,
            is_error=np.zeros(count, dtype=np.bool_),
            ttft_seconds=np.full(count, np.nan),
            tpot_seconds=np.full(count, np.nan),
            lag_seconds=np.empty(0),
            seconds=1.0,
            throughput_rps=concurrency / float(latency.mean()),
        )

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        raise NotImplementedError


def test_latencies_without_a_queue_tell_how_service_times_vary():
    async def run() -> ClosedLoops:
        # Too few idle latencies to tell; four in flight are served at once; sixteen wait.
        meter = Scripted({1: [0.1, 0.1], 4: [0.05, 0.15] * 20, 16: [0.4] * 40})
        loops = ClosedLoops(config(slo_ms=1000), meter, lambda _: None)
        await loops.check_idle()
        assert loops.expectation().variability == 1.0
        await loops.saturate()
        return loops

    loops = asyncio.run(run())
    assert loops.is_end_known
    assert loops.idle_seconds == pytest.approx(0.1)
    assert loops.wait_seconds == pytest.approx(0.9)
    expectation = loops.expectation()
    assert expectation.variability == pytest.approx((1 + 0.5**2) / 2)
    assert expectation.capacity.rate_rps == pytest.approx(40)
    assert expectation.num_slots == 4


def test_what_is_served_in_batches_takes_longer_at_load():
    async def run() -> ClosedLoops:
        # A batch of n takes 40 + 10 n ms, up to 8 of them: 8 / 0.12 s a second at most. The line
        # through 1 and 4 in flight meets that at 8 in flight.
        latencies = {1: [0.05] * 40, 4: [0.08] * 40, 8: [0.12] * 40, 16: [0.24] * 40}
        loops = ClosedLoops(config(slo_ms=1000), Scripted(latencies), lambda _: None)
        await loops.check_idle()
        assert loops.wait_seconds == pytest.approx(0.95)
        await loops.saturate()
        return loops

    assert asyncio.run(run()).wait_seconds == pytest.approx(1 - 0.12)


@dataclass
class IdleLooks(Scripted):
    """Latencies of one idle look after the other, and how long each was."""

    looks: list[list[float]] = field(default_factory=list)
    looked_seconds: list[float] = field(default_factory=list)

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        if kind == "idle":
            self.latencies = {1: self.looks.pop(0)}
            self.looked_seconds.append(seconds)
        return await super().closed_loop(concurrency, seconds, kind)


def check_idle(*looks: list[float]) -> tuple[IdleLooks, ClosedLoops, list[Probe]]:
    """Whatever it says, with an SLO of 100 ms."""
    meter, probes = IdleLooks({1: [0.05]}, list(looks)), list[Probe]()
    loops = ClosedLoops(config(slo_ms=100), meter, probes.append)
    asyncio.run(loops.check_idle())
    return meter, loops, probes


def test_one_late_answer_of_six_is_looked_at_again():
    meter, loops, probes = check_idle([0.05] * 5 + [0.2], [0.06] * 18)
    assert meter.looked_seconds == [1.5, 4.5]
    assert [probe.has_met_slo for probe in probes if probe.kind == "idle"] == [False, True]
    assert loops.idle_seconds == pytest.approx(0.06)
    assert loops.capacity().rate_rps == pytest.approx(1 / 0.06)


def test_late_answers_at_both_looks_violate_the_slo():
    expected = "2 of 18 requests took longer than 100 ms"
    with pytest.raises(InfeasibleError, match=expected):
        check_idle([0.05] * 5 + [0.2], [0.06] * 16 + [0.2] * 2)


def test_answers_that_are_mostly_late_need_no_second_look():
    with pytest.raises(InfeasibleError, match="4 of 6 requests"):
        check_idle([0.05] * 2 + [0.2] * 4)
