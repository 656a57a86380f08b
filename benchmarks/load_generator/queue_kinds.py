"""Kinds of servers in virtual time, each with its true peak."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from benchmarks.load_generator.batch_queue import BatchQueue, true_peak_rps
from benchmarks.load_generator.simulated_server import Engines
from load_generator.answer import GOOD, Answer
from load_generator.open_loop import Send
from load_generator.slo import Slo

# With one slot, arrays do the work, and rare pauses need many requests.
_NUM_TRUTH, _NUM_TRUTH_OF_ONE_SLOT, _NUM_LEFT_OUT = 400_000, 4_000_000, 20_000
_NUM_DRAWN, _SEED = 100_000, 20_261_129
# Of a stalled server, in seconds; the first probes of both profiles are within.
_STALL_BEGIN, _STALL_SECONDS = (8.0, 40.0), (0.3, 1.0, 2.0)
T = TypeVar("T")
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


class TuningQueue(Protocol):
    """A server in virtual time."""

    @property
    def name(self) -> str: ...

    @property
    def slo(self) -> Slo: ...

    @property
    def peak_rps(self) -> float:
        """Highest Poisson rate whose 99th percentile meets the SLO."""

    def sender(self, seed: int, /) -> Send:
        """Starts a server; call it within the event loop."""


@dataclass(frozen=True)
class BatchingQueue:
    """A server that works in batches, or serves single requests in a fixed time."""

    name: str
    queue: BatchQueue
    slo_seconds: float

    @property
    def slo(self) -> Slo:
        return Slo(latency_seconds=self.slo_seconds)

    @cached_property
    def peak_rps(self) -> float:
        return true_peak_rps(self.queue, self.slo_seconds)

    def sender(self, _: int) -> Send:
        loop = asyncio.get_running_loop()

        def call_at(when: float, callback: Callable[[], None]) -> None:
            loop.call_at(when, callback)

        engines = Engines(self.queue, call_at)

        async def send(_: int) -> Answer:
            done: asyncio.Future[Answer] = loop.create_future()
            engines.arrive(loop.time(), partial(_answer, done, GOOD))
            return await done

        return send


@dataclass(frozen=True)
class RandomQueue:
    """Requests that need each their own time, first come first served.

    Attributes:
        name: Says what it is.
        slots: Requests served at a time.
        draw: Draws service times in seconds.
        slo: What the requests must meet.
        first_seconds: From the beginning of service to the first token; None if not streamed.
    """

    name: str
    slots: int
    draw: Draw
    slo: Slo
    first_seconds: float | None = None

    @cached_property
    def peak_rps(self) -> float:
        rng = np.random.default_rng(_SEED)
        count = _NUM_TRUTH_OF_ONE_SLOT if self.slots == 1 else _NUM_TRUTH
        arrivals, service = rng.standard_exponential(count).cumsum(), self.draw(rng, count)
        capacity = self.slots / float(service.mean())

        def excess(share: float) -> float:
            waits = _waits(arrivals / (share * capacity), service, self.slots)[_NUM_LEFT_OUT:]
            if self.first_seconds is not None:
                return float(np.percentile(waits, 99)) + self.first_seconds - self.slo.ttft_seconds
            latency = np.percentile(waits + service[_NUM_LEFT_OUT:], 99)
            return float(latency) - self.slo.latency_seconds

        return capacity * float(brentq(excess, 0.05, 1.0, xtol=1e-3))

    def sender(self, seed: int) -> Send:
        loop, free = asyncio.get_running_loop(), [0.0] * self.slots
        service = itertools.cycle(self.draw(np.random.default_rng(seed), _NUM_DRAWN).tolist())

        async def send(_: int) -> Answer:
            now, seconds = loop.time(), next(service)
            start = max(now, heapq.heappop(free))
            heapq.heappush(free, start + seconds)
            await _until(loop, start + seconds)
            if self.first_seconds is None:
                return GOOD
            return Answer(ttft_seconds=start - now + self.first_seconds, output_tokens=1)

        return send


@dataclass(frozen=True)
class StalledQueue:
    """A server that stands still once, at some time early in the search; its peak is as without.

    What comes meanwhile gets no nearer to its answer, as with a neighbour that takes the processor.
    """

    queue: TuningQueue

    @property
    def name(self) -> str:
        return f"stalled-{self.queue.name}"

    @property
    def slo(self) -> Slo:
        return self.queue.slo

    @property
    def peak_rps(self) -> float:
        return self.queue.peak_rps

    def sender(self, seed: int) -> Send:
        loop, send = asyncio.get_running_loop(), self.queue.sender(seed)
        rng = np.random.default_rng((seed, _SEED))
        begin, seconds = rng.uniform(*_STALL_BEGIN), rng.choice(_STALL_SECONDS)
        end = begin + seconds

        async def send_after(number: int) -> Answer:
            if begin <= loop.time() < end:
                await asyncio.sleep(end - loop.time())
            return await send(number)

        return send_after


def _until(loop: asyncio.AbstractEventLoop, when: float) -> Awaitable[None]:
    done: asyncio.Future[None] = loop.create_future()
    loop.call_at(when, _answer, done, None)
    return done


def _answer(done: asyncio.Future[T], answer: T) -> None:
    if not done.done():  # else the client has given up
        done.set_result(answer)


def _waits(
    arrivals: NDArray[np.float64], service: NDArray[np.float64], slots: int
) -> NDArray[np.float64]:
    if slots == 1:
        # A request starts when the last of a row without a gap before it began, plus their service.
        before = np.cumsum(service) - service
        started: NDArray[np.float64] = np.maximum.accumulate(arrivals - before) + before
        return started - arrivals
    free, waits = [0.0] * slots, np.empty(len(arrivals))
    pairs = zip(arrivals.tolist(), service.tolist(), strict=True)
    for index, (arrival, seconds) in enumerate(pairs):
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + seconds)
        waits[index] = start - arrival
    return waits
