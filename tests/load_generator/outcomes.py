"""Whole load tests of servers that misbehave, and what must be true of each."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.load_test import run_load_test
from load_generator.report import LoadReport


@dataclass(frozen=True)
class Outcome:
    """What a load test has reported, and how long it took."""

    report: LoadReport
    seconds: float


async def timed_load_test(given: LoadTestConfig) -> Outcome:
    """Runs a load test; one that hangs is an error."""
    begin = time.monotonic()
    async with asyncio.timeout(60):
        report = await run_load_test(given, Cost(), lambda probe: None)
    return Outcome(report, time.monotonic() - begin)


def outcomes_of(
    behaviours: Iterable[str], against: Callable[[str], Awaitable[Outcome]]
) -> dict[str, Outcome]:
    """Runs all load tests at once: most of the time is spent waiting for silent servers."""
    names = list(behaviours)

    async def against_all() -> list[Outcome]:
        return await asyncio.gather(*map(against, names))

    return dict(zip(names, asyncio.run(against_all()), strict=True))


def assert_ended_in_a_stated_result(
    outcome: Outcome, expected: tuple[int | None, str], most_seconds: float
) -> None:
    """Whether it ended in time, with the feasibility (None: either) and the reason expected."""
    report, (feasible, reason) = outcome.report, expected
    assert re.search(reason, report.reason), report.reason
    assert feasible in (None, report.feasible)
    assert (report.peak_rps > 0) == (report.feasible == 1)
    assert outcome.seconds < most_seconds
