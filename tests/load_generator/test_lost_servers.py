"""Searches of servers that answer too late at every rate, crash or hang."""

import asyncio
from dataclasses import dataclass, replace

import numpy as np
import pytest

from load_generator.report import Probe
from load_generator.sample import Sample
from load_generator.schedule import Opening
from load_generator.slo_search import Search
from tests.load_generator.builders import answers, config
from tests.load_generator.narrow_meter import NarrowlyFailing, some_answers


class AlwaysLate(NarrowlyFailing):
    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        return some_answers(10_000, 3000, 0.01, rate_rps)


def test_late_answers_at_every_rate_end_the_search():
    probes: list[Probe] = []
    finding = asyncio.run(Search(config(slo_ms=500), AlwaysLate(), probes.append).run())
    lowest = min(probe.offered_rps for probe in probes if probe.offered_rps is not None)
    assert not finding.is_feasible
    said = f"The SLO held at no tested rate; the lowest was {lowest:.3g} rps."
    assert finding.reason == said


@dataclass
class Crashing(NarrowlyFailing):
    """Answers at every rate, but to those open loops of which the numbers are given."""

    without_answer: range = range(0)
    num_requests: int = 50
    error: str = "refused"
    num_loops: int = 0

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        self.num_loops += 1
        if self.num_loops - 1 not in self.without_answer:
            return await super().open_loop(rate_rps, seconds, index, kind, opening)
        lost = answers(np.full(self.num_requests, 1.0), rate_rps)
        is_error = np.full(self.num_requests, bool(self.error))
        return replace(lost, is_error=is_error, throughput_rps=0.0, last_error=self.error)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("refused", "In the end every request failed: refused."),
        ("", "In the end no request was answered."),
    ],
    ids=["crashes", "hangs"],
)
def test_a_server_that_is_lost_for_good_is_not_recommended(error: str, reason: str):
    meter = Crashing(without_answer=range(4, 1000), error=error)
    finding = asyncio.run(Search(config(slo_ms=500), meter, lambda _: None).run())
    assert (finding.is_feasible, finding.peak_rps) == (False, 0.0)
    assert finding.reason == reason
    assert finding.saturation_rps == pytest.approx(100)


@pytest.mark.parametrize(
    "meter",
    [
        Crashing(without_answer=range(2, 5)),
        Crashing(without_answer=range(2, 5), error=""),
        Crashing(without_answer=range(4, 1000), num_requests=0),
    ],
    ids=["it comes back", "it goes on", "no request was due"],
)
def test_a_server_that_comes_back_keeps_what_it_served(meter: Crashing):
    finding = asyncio.run(Search(config(slo_ms=500), meter, lambda _: None).run())
    assert finding.is_feasible
    assert 40 < finding.peak_rps < 100
