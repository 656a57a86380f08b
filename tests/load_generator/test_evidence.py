"""What probes teach: a server of 100 rps, whose p99 theory expects to hold up to about 95."""

import asyncio

import numpy as np
import pytest

from load_generator.closed_search import ClosedLoops
from load_generator.evidence import Evidence
from load_generator.sample import Sample
from load_generator.schedule import Opening
from tests.load_generator.builders import answers, config


class Steady:
    """Answers in 10 ms, 100 requests a second at any concurrency."""

    def seconds_left(self) -> float:
        return 60.0

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        return sample(0)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        raise NotImplementedError


def sample(num_late: int) -> Sample:
    """10,000 answers at 100 rps, so many of which are late, all in one row."""
    latency = np.full(10_000, 0.01)
    latency[:num_late] = 1.0
    return answers(latency, 100.0)


@pytest.fixture
def evidence() -> Evidence:
    closed = ClosedLoops(config(slo_ms=500), Steady(), lambda _: None)

    async def run() -> None:
        await closed.check_idle()
        await closed.saturate()

    asyncio.run(run())
    return Evidence(closed)


def add(evidence: Evidence, *probes: tuple[float, int]) -> None:
    for rate, num_late in probes:
        evidence.add(rate, sample(num_late), has_met_slo=num_late <= 100)


def next_rate(evidence: Evidence, tolerance: float = 0.0) -> float | None:
    return evidence.next_rate(evidence.root(), tolerance)


def test_a_failure_where_none_was_expected_is_tried_again(evidence: Evidence):
    add(evidence, (80.0, 3000), (64.0, 0))
    assert next_rate(evidence) == 80.0


def test_a_failure_that_the_same_rate_contradicts_is_no_bound(evidence: Evidence):
    add(evidence, (80.0, 3000), (64.0, 0), (80.0, 0))
    assert evidence.root().high_rps > 90
    assert next_rate(evidence) != 80.0


def test_a_failure_that_happens_again_is_a_bound(evidence: Evidence):
    add(evidence, (80.0, 3000), (64.0, 0), (80.0, 3000))
    assert evidence.root().high_rps <= 1.02 * 80
    assert 64.0 < next_rate(evidence) < 80.0


def test_narrow_enough_is_the_end_but_not_before_a_doubtful_failure_was_tried_again(
    evidence: Evidence,
):
    add(evidence, (80.0, 3000), (64.0, 0))
    assert next_rate(evidence, tolerance=9.0) == 80.0
    add(evidence, (80.0, 3000))
    assert next_rate(evidence, tolerance=9.0) is None


def test_after_silence_the_upper_end_is_tried(evidence: Evidence):
    add(evidence, (70.0, 0), (80.0, 0))
    root = evidence.root()
    assert evidence.next_rate(root, 0.0) == root.rate_rps
    add(evidence, (85.0, 0))
    root = evidence.root()
    assert evidence.next_rate(root, 0.0) == root.high_rps > root.rate_rps


def test_probes_that_narrow_no_more_are_the_end(evidence: Evidence):
    add(evidence, (100.0, 3000), (100.0, 3000), (90.0, 0))
    rates = []
    while (rate := next_rate(evidence)) is not None:
        rates.append(rate)
        add(evidence, (rate, 0 if rate <= 95 else 3000))
        assert len(rates) < 40
    assert len(rates) > 4
    assert evidence.root().rate_rps == pytest.approx(95, rel=0.03)


def test_probes_that_contradict_one_another_are_not_the_end(evidence: Evidence):
    add(evidence, (90.0, 0), (92.0, 150), (92.0, 150))
    for _ in range(5):
        next_rate(evidence)
    width = evidence.root().relative_width
    # Late requests far below what has passed make the interval wider: that calls for more probes.
    add(evidence, (85.0, 400), (85.0, 400), (85.0, 400))
    assert evidence.root().relative_width > width
    assert next_rate(evidence) is not None
