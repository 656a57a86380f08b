"""Measures a server: the meter of one process, and what all of them share."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol, Self

from load_generator.client import open_client
from load_generator.closed_loop import ClosedLoop
from load_generator.config import LoadTestConfig
from load_generator.meter import Meter
from load_generator.open_loop import OpenLoop
from load_generator.records import Counts, Limits
from load_generator.sample import Sample
from load_generator.schedule import Opening, probe_send_times
from load_generator.snapshot import Snapshot

OnSnapshot = Callable[[Snapshot], None]

_SNAPSHOT_SECONDS = 0.25


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
        config: What to test.
        show: Told how things stand.
    """

    def __init__(self, config: LoadTestConfig, show: OnSnapshot) -> None:
        self._config, self._show = config, show
        self._client, self._limits = open_client(config), limits_of(config)
        self._deadline = float("inf")

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
        loop = ClosedLoop(
            self._client.send,
            self._limits,
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
        loop = OpenLoop(self._client.send, self._limits, offsets)
        async with shown(kind, rate_rps, loop.counts, self._show):
            return await loop.run()
