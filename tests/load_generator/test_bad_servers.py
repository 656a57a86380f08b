"""Whole load tests of servers that misbehave: each ends in time, in a result that says why."""

import asyncio
import re

import numpy as np
import pytest

from load_generator.client import open_client
from load_generator.open_loop import OpenLoop
from load_generator.records import Limits
from load_generator.sample import Sample
from load_generator.slo import Slo
from tests.fakes.bad_server import BEHAVIOURS, BadServer, serving
from tests.load_generator.builders import config
from tests.load_generator.outcomes import (
    Outcome,
    assert_ended_in_a_stated_result,
    outcomes_of,
    timed_load_test,
)

_MAX_SECONDS, _READY_SECONDS = 3.0, 1.0
# A request that was sent in time is still waited for, up to the drain of the last probe.
_MARGIN_SECONDS = 2.0

# Feasible or not (None: either, it depends on when the fault strikes), and a pattern of the reason.
_EXPECTED: dict[str, tuple[int | None, str]] = {
    "good": (1, "confirmed|time is up"),
    "idle_close": (1, "confirmed|time is up"),
    "surplus": (1, "confirmed|time is up"),
    "rare_errors": (1, "confirmed|time is up"),
    "half_open": (0, "Every request failed"),
    "slow_loris": (0, "Every request failed"),
    "malformed": (0, "Every request failed: .*malformed"),
    "other_protocol": (0, "Every request failed: .*malformed"),
    "truncated": (0, "Every request failed: .*after 10 of 100 bytes"),
    "reset_in_body": (0, "Every request failed: .*reset"),
    "endless_header": (0, "Every request failed: .*header"),
    "only_errors": (0, "Every request failed: status 503: busy"),
    "resets": (None, ".+"),
    "burst_of_errors": (None, ".+"),
    "restart": (None, ".+"),
}


async def _load_test(url: str) -> Outcome:
    given = config(
        url=url,
        slo=Slo(latency_seconds=0.2),
        max_seconds=_MAX_SECONDS,
        ready_seconds=_READY_SECONDS,
    )
    return await timed_load_test(given)


async def _against(behaviour: str) -> Outcome:
    server = BadServer(BEHAVIOURS[behaviour], num_good=1, service_seconds=0.01, workers=1)
    async with serving(server):
        return await _load_test(f"http://127.0.0.1:{server.port}/")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return outcomes_of(_EXPECTED, _against)


def test_every_behaviour_is_tried():
    assert set(_EXPECTED) == set(BEHAVIOURS)


@pytest.mark.parametrize("behaviour", _EXPECTED)
def test_a_load_test_ends_in_time_in_a_stated_result(behaviour: str, outcomes: dict[str, Outcome]):
    expected, most_seconds = _EXPECTED[behaviour], _MAX_SECONDS + _MARGIN_SECONDS
    assert_ended_in_a_stated_result(outcomes[behaviour], expected, most_seconds)


# Of 100 requests in one stretch of load: a 503 always counts; a reset only if the repeat fails too.
@pytest.mark.parametrize(
    ("behaviour", "least", "most"),
    [("rare_errors", 1, 1), ("burst_of_errors", 20, 20), ("resets", 1, 60), ("restart", 1, 60)],
)
def test_faults_are_counted_as_errors(behaviour: str, least: int, most: int):
    async def run() -> Sample:
        async with serving(BadServer(BEHAVIOURS[behaviour], num_good=1)) as server:
            given = config(url=f"http://127.0.0.1:{server.port}/")
            async with open_client(given) as client:
                limits = Limits(slo=Slo(percentile=1.0), timeout_seconds=10.0)
                return await OpenLoop(client.send, limits, np.linspace(0, 1.0, 100)).run()

    sample = asyncio.run(run())
    assert sample.num_requests == 100
    assert least <= sample.is_error.sum() <= most


@pytest.mark.parametrize("behaviour", ["half_open", "only_errors", "malformed"])
def test_a_server_that_is_bad_from_the_start_is_never_ready(behaviour: str):
    async def run() -> Outcome:
        async with serving(BadServer(BEHAVIOURS[behaviour])) as server:
            return await _load_test(f"http://127.0.0.1:{server.port}/")

    outcome = asyncio.run(run())
    assert outcome.report.feasible == 0
    assert "must be ready within 1 s" in outcome.report.reason
    assert outcome.seconds < _READY_SECONDS + _MARGIN_SECONDS


def test_a_host_without_an_address_is_never_ready():
    outcome = asyncio.run(_load_test("http://no-such-host.invalid/"))
    assert outcome.report.feasible == 0
    assert re.search(r"must be ready within 1 s.*no-such-host", outcome.report.reason)
    assert outcome.seconds < _READY_SECONDS + _MARGIN_SECONDS
