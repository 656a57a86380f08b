"""Whole load tests of gRPC servers that misbehave: each ends in time, in a result that says why."""

import asyncio
import re
import time
from dataclasses import replace

import pytest

from load_generator.grpc_client import GrpcClient
from load_generator.profile import PROFILES
from load_generator.slo import Slo
from tests.fakes.bad_grpc_server import BEHAVIOURS, BadGrpcServer, serving
from tests.load_generator.builders import config
from tests.load_generator.outcomes import (
    Outcome,
    assert_ended_in_a_stated_result,
    outcomes_of,
    timed_load_test,
)

_MAX_SECONDS, _READY_SECONDS = 2.0, 1.0
# Far less than a server that never answers would take, and far more than a busy machine adds.
_MARGIN_SECONDS = 20.0

# Feasible or not (None: either, it depends on when the fault strikes), and a pattern of the reason.
_EXPECTED: dict[str, tuple[int | None, str]] = {
    "good": (1, "confirmed|time is up"),
    "half_open": (0, "Every request failed: (no answer within|DEADLINE_EXCEEDED)"),
    "resets_the_stream": (0, "Every request failed: INTERNAL: .*RST_STREAM"),
    "refuses_the_stream": (0, "Every request failed: UNAVAILABLE: .*RST_STREAM"),
    "cancels_the_stream": (0, "Every request failed: CANCELLED: .*RST_STREAM"),
    "goes_away": (0, "Every request failed: UNAVAILABLE: "),
    "moves_on": (None, ".+"),
    "resets_the_connection": (0, "Every request failed: UNAVAILABLE: "),
    "other_protocol": (0, "Every request failed: .*HTTP/2"),
    "junk": (0, "Every request failed: the answer must be a ModelInferResponse, but got b'.*junk"),
    "truncated": (0, "Every request failed: the answer must be a ModelInferResponse, but is"),
    "empty": (0, "Every request failed: the answer must be a ModelInferResponse, but is"),
    "no_status": (0, "Every request failed: UNKNOWN: "),
    "unknown_status": (0, "Every request failed: UNKNOWN: no details"),
    "strange_text": (0, "Every request failed: INTERNAL: "),
    "error_page": (0, "Every request failed: UNAVAILABLE: .*503"),
    "slow_loris": (0, "Every request failed: (no answer within|DEADLINE_EXCEEDED)"),
    "only_errors": (0, "Every request failed: UNAVAILABLE: busy"),
    "burst_of_errors": (None, ".+"),
    "restarts": (None, ".+"),
}


async def _load_test(port: int, **changes: object) -> Outcome:
    given = config(
        url=f"grpc://127.0.0.1:{port}",
        protocol="v2-grpc",
        model="m",
        slo=Slo(latency_seconds=2.0, percentile=90.0),
        profile=replace(PROFILES["quick"], max_seconds=10.0),  # no step is shorter than 0.2 s
        max_seconds=_MAX_SECONDS,
        ready_seconds=_READY_SECONDS,
        **changes,
    )
    return await timed_load_test(given)


async def _against(behaviour: str) -> Outcome:
    server = BadGrpcServer(BEHAVIOURS[behaviour], service_seconds=0.02)
    async with serving(server):
        return await _load_test(server.port)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return outcomes_of(_EXPECTED, _against)


def test_every_behaviour_is_tried():
    assert set(_EXPECTED) == set(BEHAVIOURS)


@pytest.mark.parametrize("behaviour", _EXPECTED)
def test_a_load_test_ends_in_time_in_a_stated_result(behaviour: str, outcomes: dict[str, Outcome]):
    expected, most_seconds = _EXPECTED[behaviour], _MAX_SECONDS + _MARGIN_SECONDS
    assert_ended_in_a_stated_result(outcomes[behaviour], expected, most_seconds)


# How a server is that is bad from the start, and what it last answered.
_NEVER_READY: dict[tuple[str, str], str] = {
    ("half_open", "connection"): "nothing within 1 s",
    ("other_protocol", "connection"): "UNAVAILABLE: .*HTTP/2",
    ("resets_the_connection", "connection"): "UNAVAILABLE: ",
    ("half_open", "call"): "nothing within 1 s",
    ("junk", "call"): "the answer must be a ServerReadyResponse, but got b'.*junk'",
    ("empty", "call"): "the answer must be a ServerReadyResponse, but is missing",
    ("cancels_the_stream", "call"): "CANCELLED: ",
    ("unknown_status", "call"): "UNKNOWN: no details",
}


@pytest.fixture(scope="module")
def never_ready() -> dict[tuple[str, str], Outcome]:
    async def against(behaviour: str, since: str) -> Outcome:
        async with serving(BadGrpcServer(BEHAVIOURS[behaviour], since=since)) as server:
            return await _load_test(server.port)

    async def against_all() -> list[Outcome]:
        return await asyncio.gather(*(against(*key) for key in _NEVER_READY))

    return dict(zip(_NEVER_READY, asyncio.run(against_all()), strict=True))


@pytest.mark.parametrize("key", _NEVER_READY, ids="-".join)
def test_a_server_that_is_bad_from_the_start_is_never_ready(
    key: tuple[str, str], never_ready: dict[tuple[str, str], Outcome]
):
    report, seconds = never_ready[key].report, never_ready[key].seconds
    assert report.feasible == 0
    pattern = f"must be ready within 1 s, .* last answered: {_NEVER_READY[key]}"
    assert re.search(pattern, report.reason), report.reason
    assert seconds < _READY_SECONDS + _MARGIN_SECONDS


def test_with_several_processes():
    async def run() -> Outcome:
        async with serving(BadGrpcServer(BEHAVIOURS["half_open"], since="connection")) as server:
            return await _load_test(server.port, processes=2)

    outcome = asyncio.run(run())
    assert "must be ready within 1 s" in outcome.report.reason
    assert outcome.seconds < _READY_SECONDS + _MARGIN_SECONDS


@pytest.mark.parametrize("behaviour", ["burst_of_errors", "restarts"])
def test_faults_are_counted_and_pass(behaviour: str):
    async def run() -> list[bool]:
        async with serving(BadGrpcServer(BEHAVIOURS[behaviour])) as server, _client(server) as made:
            await made.wait_until_ready()
            await made.prepare()
            is_error: list[bool] = []
            while len(is_error) < 100 or is_error[-1]:
                is_error.append(bool((await made.send(0)).error))
                await asyncio.sleep(0.02 if is_error[-1] else 0)
            return is_error

    is_error = asyncio.run(run())
    assert is_error[:51] == 50 * [False] + [True]
    if behaviour == "burst_of_errors":  # for how many it is away, the client's backoff decides
        assert sum(is_error) == 20


def test_a_request_without_an_answer_ends_at_its_deadline():
    async def run() -> tuple[str, float]:
        server = BadGrpcServer(BEHAVIOURS["half_open"])
        async with serving(server), _client(server, timeout_seconds=0.3) as made:
            await made.wait_until_ready()
            await made.prepare()
            begin = time.monotonic()
            return (await made.send(0)).error, time.monotonic() - begin

    error, seconds = asyncio.run(run())
    assert error.startswith("DEADLINE_EXCEEDED: ")
    assert 0.29 < seconds < 0.3 + _MARGIN_SECONDS


def _client(server: BadGrpcServer, timeout_seconds: float = 30.0) -> GrpcClient:
    url = f"grpc://127.0.0.1:{server.port}"
    return GrpcClient(url=url, model="m", timeout_seconds=timeout_seconds, ready_seconds=30.0)
