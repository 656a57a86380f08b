"""A server that a search cannot tell from a good one by a few requests."""

from dataclasses import dataclass

import numpy as np

from load_generator.sample import Sample
from load_generator.schedule import Opening
from tests.load_generator.builders import answers


@dataclass
class NarrowlyFailing:
    """A server of 100 rps that misses a p99 narrowly at every rate above 80 % of that."""

    num_calls: int = 0

    def seconds_left(self) -> float:
        self.num_calls += 1
        return 60.0 - 2 * self.num_calls

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        return some_answers(1000, 0, 0.01, 100.0)

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        return some_answers(10_000, 0 if rate_rps <= 80 else 101, 0.01, rate_rps)


def some_answers(count: int, num_late: int, seconds: float, rate: float) -> Sample:
    """Evenly spread late answers of a second among others."""
    latency = np.full(count, seconds)
    if num_late:
        latency[:: count // num_late] = 1.0
    return answers(latency, rate)
