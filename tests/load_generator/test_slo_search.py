"""The search against queues whose true peak is known, in virtual time."""

import asyncio
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.queue_kinds import BatchingQueue, TuningQueue
from benchmarks.load_generator.tuning import config_of, find_peak
from benchmarks.load_generator.tuning_queues import QUEUES
from load_generator.finding import Finding
from load_generator.report import Probe
from load_generator.sample import Sample
from load_generator.schedule import Opening
from load_generator.slo_search import Search
from tests.load_generator.builders import config
from tests.load_generator.narrow_meter import NarrowlyFailing, some_answers

KNOWN = {queue.name: queue for split in QUEUES.values() for queue in split}
# Capacity 40 rps.
TWO_SLOTS = BatchingQueue("", BatchQueue(2, base_seconds=0.05), slo_seconds=0.5)


def search(
    queue: TuningQueue, profile: str = "quick", seed: int = 1, **changes: object
) -> tuple[Finding, list[Probe], float]:
    probes: list[Probe] = []
    given = replace(config_of(queue, profile, seed), **changes)  # type: ignore[arg-type]
    finding, seconds = find_peak(queue, given, probes.append)
    return finding, probes, seconds


@pytest.mark.parametrize(
    ("name", "profile", "bias", "spread"),
    [
        ("fixed-22x1", "quick", 0.04, 0.06),
        ("fixed-22x1", "precise", 0.05, 0.06),
        ("fixed-55x4", "quick", 0.04, 0.05),
        ("fixed-55x4", "precise", 0.03, 0.03),
        ("batch-38x6", "quick", 0.04, 0.04),
        ("exp-33x1", "precise", 0.06, 0.15),
        ("llm-32x20ms", "quick", 0.15, 0.2),
        ("llm-32x20ms", "precise", 0.1, 0.15),
    ],
)
def test_the_peak_of_a_known_queue(name: str, profile: str, bias: float, spread: float):
    queue = KNOWN[name]
    peaks = [search(queue, profile, seed)[0].peak_rps for seed in range(1, 7)]
    errors = np.array(peaks) / queue.peak_rps - 1
    assert abs(errors.mean()) < bias
    assert errors.std() < spread


@pytest.mark.parametrize(
    ("name", "seed"),
    [("stalled-fixed-900x4", 1), ("stalled-fixed-250x8", 3), ("stalled-batch-200x24", 9)],
)
def test_a_server_that_stands_still_once_keeps_its_peak(name: str, seed: int):
    # The stall hits the first probe; as a bound for good it would cost a fifth to a third.
    queue = KNOWN[name]
    finding, _, _ = search(queue, "precise", seed)
    assert finding.peak_rps == pytest.approx(queue.peak_rps, rel=0.05)
    assert finding.low_rps <= queue.peak_rps <= finding.high_rps


def test_a_finding_is_consistent():
    finding, probes, _ = search(TWO_SLOTS)
    assert finding.is_feasible
    assert finding.low_rps <= finding.peak_rps <= finding.high_rps
    assert finding.saturation_rps == pytest.approx(40, rel=0.02)
    kinds = [probe.kind for probe in probes]
    assert kinds[:2] == ["warm_up", "idle"]
    assert kinds[-1] == "confirm"
    assert finding.decisive is not None
    assert np.mean(finding.decisive.violations(TWO_SLOTS.slo)) <= 0.01
    assert finding.reason == "confirmed"


@pytest.mark.parametrize("seconds", [5.0, 20.0, 60.0])
def test_the_budget_is_kept(seconds: float):
    finding, _, taken = search(TWO_SLOTS, max_seconds=seconds)
    assert finding.peak_rps == pytest.approx(TWO_SLOTS.peak_rps, rel=0.25)
    assert taken < seconds * 1.1


def test_the_budget_is_kept_where_answers_take_seconds():
    queue = BatchingQueue("", BatchQueue(100, base_seconds=6.0), slo_seconds=9.0)
    finding, probes, taken = search(queue)
    assert taken < 66
    # There was no time to fill the server.
    assert max(probe.concurrency or 0 for probe in probes) < 100
    assert finding.reason == "time is up before any rate has failed: the peak may be higher"
    assert 0 < finding.peak_rps < queue.peak_rps


def test_a_confirmation_that_is_shorter_than_the_slo_says_so():
    queue = BatchingQueue("", BatchQueue(4, base_seconds=0.002), slo_seconds=2.0)
    finding, probes, _ = search(queue, max_seconds=2.0)
    assert probes[-1].seconds < 2
    said = f"confirmed by {probes[-1].seconds:.3g} s of load, less than the SLO's 2 s"
    assert finding.reason == said


def test_slo_violated_when_idle():
    finding, _, _ = search(BatchingQueue("", BatchQueue(1, base_seconds=0.2), slo_seconds=0.1))
    assert (finding.is_feasible, finding.peak_rps) == (False, 0.0)
    assert "The SLO is violated without load" in finding.reason
    assert "100 ms" in finding.reason
    # What one request at a time gets is known all the same.
    assert finding.saturation_rps == pytest.approx(5, rel=0.02)


def test_without_a_confirmation_the_lower_end_of_the_interval_counts():
    finding = asyncio.run(Search(config(slo_ms=500), NarrowlyFailing(), lambda _: None).run())
    assert finding.reason == "time is up before a confirmation"
    # The last rate that passed is far below: the probes above it have missed by a hair.
    assert 80 < finding.peak_rps == finding.low_rps < finding.high_rps


@dataclass
class SharpEnd(NarrowlyFailing):
    """A server of 100 rps whose SLO breaks all at once at 95; the first confirmation is unlucky."""

    confirmed: list[float] = field(default_factory=list)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        if kind == "confirm":
            self.confirmed.append(rate_rps)
        is_unlucky = kind == "confirm" and len(self.confirmed) == 1
        num_late = 110 if is_unlucky else 0 if rate_rps <= 95 else 3000
        return some_answers(10_000, num_late, 0.01, rate_rps)


def test_a_failed_confirmation_of_a_well_known_peak_costs_less_than_a_whole_step():
    meter = SharpEnd()
    finding = asyncio.run(Search(config(slo_ms=500), meter, lambda _: None).run())
    first, second = meter.confirmed
    assert 0.98 * first < second < 0.996 * first
    assert finding.peak_rps == pytest.approx(94, rel=0.02)
    assert finding.reason == "confirmed"


@dataclass
class LateOnce(NarrowlyFailing):
    """The same server; the client itself holds up half of the requests of its first probe."""

    probed: list[float] = field(default_factory=list)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        self.probed.append(rate_rps)
        if len(self.probed) > 1:
            return await super().open_loop(rate_rps, seconds, index, kind, opening)
        late = some_answers(1000, 500, 0.01, rate_rps)
        return replace(late, lag_seconds=np.where(late.latency_seconds > 0.5, 0.9, 0.0))


def test_a_failure_of_a_client_short_of_cpu_does_not_count():
    probes: list[Probe] = []
    meter = LateOnce()
    finding = asyncio.run(Search(config(slo_ms=500), meter, probes.append).run())
    expected = asyncio.run(Search(config(slo_ms=500), NarrowlyFailing(), lambda _: None).run())
    assert meter.probed[0] == meter.probed[1] == pytest.approx(80)
    first, second = [probe for probe in probes if probe.kind == "rate"][:2]
    assert (first.has_met_slo, second.has_met_slo) == (None, True)
    assert finding.peak_rps == pytest.approx(expected.peak_rps, rel=0.02)
    assert not finding.is_client_limited


@dataclass
class Failing:
    """Answers when idle, and with errors as soon as two requests are in flight."""

    has_idle_errors: bool = False
    lag_seconds: float = 0.0
    num_calls: int = 0

    def seconds_left(self) -> float:
        self.num_calls += 1
        return 60.0 - self.num_calls

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        return self._sample(is_error=concurrency > 1 or self.has_idle_errors)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        return replace(self._sample(is_error=True), lag_seconds=np.full(50, self.lag_seconds))

    def _sample(self, is_error: bool) -> Sample:
        return Sample(
            due_seconds=np.arange(1.0, 51.0),
            latency_seconds=np.full(50, 0.001),
            is_error=np.full(50, is_error),
            ttft_seconds=np.full(50, np.nan),
            tpot_seconds=np.full(50, np.nan),
            lag_seconds=np.empty(0),
            seconds=1.0,
            throughput_rps=0.0 if is_error else 50.0,
            last_error="status 500: no",
        )


def test_errors_when_idle_are_the_reason():
    finding = asyncio.run(Search(config(), Failing(has_idle_errors=True), lambda _: None).run())
    assert finding.reason == "Every request failed: status 500: no."
    assert not finding.is_feasible


def test_errors_at_every_rate_end_the_search():
    finding = asyncio.run(Search(config(), Failing(), lambda _: None).run())
    assert not finding.is_feasible
    assert finding.reason == "In the end every request failed: status 500: no."


@pytest.mark.parametrize(("lag_seconds", "is_client_limited"), [(0.03, True), (0.001, False)])
def test_late_sending_is_the_clients_fault(lag_seconds: float, is_client_limited: bool):
    meter = Failing(lag_seconds=lag_seconds)
    finding = asyncio.run(Search(config(slo_ms=100), meter, lambda _: None).run())
    assert finding.is_client_limited == is_client_limited
