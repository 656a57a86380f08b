"""Measures a server: the meter of one process, and what all of them share."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol, Self

import numpy as np

from load_generator.client import Client
from load_generator.closed_loop import ClosedLoop
from load_generator.config import LoadTestConfig
from load_generator.meter import Meter
from load_generator.open_loop import OpenLoop
from load_generator.records import Counts, Limits
from load_generator.sample import Sample
from load_generator.schedule import Opening, probe_send_times
from load_generator.snapshot import Snapshot

OPEN, CLOSED = 0, 1
OnSnapshot = Callable[[Snapshot], None]

_SNAPSHOT_SECONDS = 0.25
# Far more than there are different payloads: numbers beyond the last begin again.
_NUM_PAYLOADS = 1 << 40


class ServerMeter(Meter, Protocol):
    """A meter that is an asynchronous context manager and knows when the server is ready."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def get_ready(self) -> float:
        """Waits for the server, makes what is to be sent, starts the clock of the budget.

        Returns:
            The seconds waited.

        Raises:
            ServerNotReadyError: the server is not ready in time.
            PayloadError: nothing can be made to send.
        """


def limits_of(config: LoadTestConfig) -> Limits:
    """When a load test gives up a request."""
    return Limits(slo=config.slo, timeout_seconds=config.timeout_seconds)


def probe_seed(config: LoadTestConfig, index: int) -> int:
    """Streams of one test are independent; those of two trials with one seed are the same."""
    return config.seed * 1000 + index


def first_payload(config: LoadTestConfig, *stretch: int) -> int:
    """Number of the payload that a stretch of load begins with.

    Where service times depend on payloads, all stretches of a test would share the luck of its
    first payloads, if they began alike; those of two trials with one seed do.

    Args:
        config: The test.
        stretch: Names the stretch within the test.
    """
    return int(np.random.default_rng((config.seed, *stretch)).integers(_NUM_PAYLOADS))


@contextlib.asynccontextmanager
async def shown(
    phase: str, offered_rps: float | None, counts: Callable[[], Counts | None], show: OnSnapshot
) -> AsyncIterator[None]:
    """While entered, shows how things stand, four times a second."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(_SNAPSHOT_SECONDS)
            if (now := counts()) is not None:
                show(_snapshot(phase, offered_rps, now))

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()


def _snapshot(phase: str, offered_rps: float | None, counts: Counts) -> Snapshot:
    return Snapshot(
        phase=phase,
        offered_rps=offered_rps,
        seconds=counts.seconds,
        num_sent=counts.num_sent,
        num_open=counts.num_open,
        num_done=counts.num_done,
        num_violations=counts.num_violations,
        p99_ms=None if counts.p99_seconds is None else counts.p99_seconds * 1000,
    )


class LocalMeter:
    """Sends from this process.

    Args:
        client: Sends the requests; this object opens and closes it.
        config: What to test.
        show: Told how things stand.
    """

    def __init__(self, client: Client, config: LoadTestConfig, show: OnSnapshot) -> None:
        self._client, self._config, self._show = client, config, show
        self._limits = limits_of(config)
        self._deadline = float("inf")
        self._num_closed_loops = 0

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def get_ready(self) -> float:
        """See ``ServerMeter``."""
        waited = await self._client.wait_until_ready()
        await self._client.prepare()
        self._deadline = time.monotonic() + self._config.max_seconds
        return waited

    def seconds_left(self) -> float:
        """See ``meter.Meter``."""
        return self._deadline - time.monotonic()

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        """See ``meter.Meter``."""
        self._num_closed_loops += 1
        loop = ClosedLoop(
            self._client.send,
            self._limits,
            first_payload(self._config, CLOSED, self._num_closed_loops),
            concurrency=concurrency,
            seconds=seconds,
            patience_seconds=self._limits.patience_seconds(self.seconds_left() - seconds),
        )
        async with shown(kind, None, loop.counts, self._show):
            return await loop.run()

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        """See ``meter.Meter``."""
        seed = probe_seed(self._config, index)
        offsets = probe_send_times(rate_rps, seconds, opening, seed)
        numbers = first_payload(self._config, OPEN, index) + np.arange(len(offsets))
        loop = OpenLoop(self._client.send, self._limits, offsets, indices=numbers)
        async with shown(kind, rate_rps, loop.counts, self._show):
            return await loop.run()
