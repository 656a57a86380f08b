"""The search against queues whose true peak is known, in virtual time."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest

from load_generator.finding import Finding
from load_generator.profile import PROFILES
from load_generator.sample import Sample
from load_generator.schedule import Opening
from load_generator.slo_search import Search
from tests.fakes.queue_meter import QueueMeter, true_peak_rps
from tests.load_generator.builders import config


def search(meter: QueueMeter, profile: str = "quick") -> tuple[Finding, Search]:
    found = Search(
        config(slo_ms=meter.slo_seconds * 1000, profile=PROFILES[profile]), meter, lambda _: None
    )
    return asyncio.run(found.run()), found


def errors_of(service: float, servers: int, slo: float, profile: str, repeats: int) -> np.ndarray:
    truth = true_peak_rps(service, servers, slo, 99)
    budget = PROFILES[profile].max_seconds
    return (
        np.array(
            [
                search(QueueMeter(service, servers, slo, budget, seed=seed), profile)[0].peak_rps
                / truth
                for seed in range(1, repeats + 1)
            ]
        )
        - 1
    )


@pytest.mark.parametrize(
    ("service", "servers", "slo", "profile", "bias", "spread"),
    [
        (0.010, 2, 0.1, "quick", 0.04, 0.08),
        (0.010, 2, 0.1, "precise", 0.03, 0.05),
        (0.004, 8, 0.05, "quick", 0.03, 0.05),
        (0.004, 8, 0.05, "precise", 0.02, 0.03),
        (0.050, 1, 0.5, "precise", 0.05, 0.09),
    ],
)
def test_the_peak_of_a_known_queue(
    service: float, servers: int, slo: float, profile: str, bias: float, spread: float
):
    errors = errors_of(service, servers, slo, profile, 6)
    assert abs(errors.mean()) < bias
    assert errors.std() < spread


def test_a_finding_is_consistent():
    finding, found = search(QueueMeter(0.01, 2, 0.1, 60.0, seed=3))
    assert finding.is_feasible
    assert finding.low_rps <= finding.peak_rps <= finding.high_rps
    assert finding.saturation_rps == pytest.approx(200, rel=0.02)
    kinds = [probe.kind for probe in found.probes]
    assert kinds[:2] == ["warm_up", "idle"]
    assert kinds[-1] == "confirm"
    assert finding.decisive is not None
    assert np.mean(finding.decisive.violations(found.config.slo)) <= 0.01


def test_the_budget_is_kept():
    for seconds in (5.0, 20.0, 60.0):
        meter = QueueMeter(0.01, 2, 0.1, seconds, seed=1)
        found = Search(config(slo_ms=100, max_seconds=seconds), meter, lambda _: None)
        assert asyncio.run(found.run()).peak_rps == pytest.approx(175, rel=0.25)
        assert meter.elapsed_seconds < seconds * 1.1


def test_slo_violated_when_idle():
    finding, _ = search(QueueMeter(0.2, 1, 0.1, 60.0))
    assert (finding.is_feasible, finding.peak_rps) == (False, 0.0)
    assert "The SLO is violated without load" in finding.reason
    assert "100 ms" in finding.reason


def test_late_sending_is_the_clients_fault():
    late, _ = search(QueueMeter(0.01, 2, 0.1, 60.0, lag_seconds=0.03))
    punctual, _ = search(QueueMeter(0.01, 2, 0.1, 60.0, lag_seconds=0.001))
    assert (late.is_client_limited, punctual.is_client_limited) == (True, False)


@dataclass
class Failing:
    """Answers when idle, and with errors as soon as two requests are in flight."""

    has_idle_errors: bool

    def seconds_left(self) -> float:
        return 50.0

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        return self._sample(is_error=concurrency > 1 or self.has_idle_errors)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        return self._sample(is_error=True)

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
    finding = asyncio.run(Search(config(), Failing(True), lambda _: None).run())
    assert finding.reason == "Every request failed: status 500: no."
    assert not finding.is_feasible


def test_errors_at_every_rate_end_the_search():
    meter = Failing(False)
    times = iter(np.linspace(60, 0, 40))
    meter.seconds_left = lambda: float(next(times, 0.0))  # type: ignore[method-assign]
    finding = asyncio.run(Search(config(), meter, lambda _: None).run())
    assert not finding.is_feasible
    assert "The SLO held at no tested rate" in finding.reason
