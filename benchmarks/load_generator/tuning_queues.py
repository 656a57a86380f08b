"""Queues on which the search is tuned; none of them is a server of the benchmark."""

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


def _fixed(rate: float, slots: int, slo: float) -> BatchingQueue:
    service = slots / rate
    return BatchingQueue(f"fixed-{rate:g}x{slots}", BatchQueue(slots, service), slo * service)


def _exponential(rate: float, slots: int, slo: float) -> RandomQueue:
    mean = slots / rate

    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        return rng.exponential(mean, count)

    return RandomQueue(f"exp-{rate:g}x{slots}", slots, draw, Slo(latency_seconds=slo * mean))


def _lognormal(rate: float, slots: int, slo: float, sigma: float) -> RandomQueue:
    mean = slots / rate

    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        return mean * rng.lognormal(-(sigma**2) / 2, sigma, count)

    return RandomQueue(f"lognormal-{rate:g}x{slots}", slots, draw, Slo(latency_seconds=slo * mean))


def _pausing(rate: float, slo: float, every: float, pause: float) -> RandomQueue:
    """One slot of fixed service time that pauses by chance, as for the collection of garbage.

    Times are in seconds; ``rate`` is the capacity without pauses.
    """

    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        return 1 / rate + pause * (rng.random(count) < 1 / (rate * every))

    return RandomQueue(f"pausing-{rate:g}-{every:g}s", 1, draw, Slo(latency_seconds=slo))


def _batches(rate: float, size: int, base: float, delay: float, slo: float) -> BatchingQueue:
    unit = BatchQueue(1, base, 1.0, size, delay)
    queue = unit.scaled(unit.capacity_rps / rate)
    return BatchingQueue(f"batch-{rate:g}x{size}", queue, slo * queue.service_seconds(size))


def _tokens(
    slots: int, tpot: float, tokens: tuple[int, int], ttft: float, slo: float
) -> RandomQueue:
    def draw(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        return ttft + tpot * (rng.integers(*tokens, count, endpoint=True) - 1)

    name = f"llm-{slots}x{tpot * 1000:g}ms"
    return RandomQueue(name, slots, draw, Slo(ttft_seconds=slo), first_seconds=ttft)


QUEUES: dict[str, tuple[TuningQueue, ...]] = {
    "tune": (
        _fixed(26, 1, 8),
        _fixed(40, 2, 5),
        _fixed(90, 1, 20),
        _fixed(150, 6, 4),
        _fixed(300, 3, 10),
        _fixed(1200, 6, 15),
        _exponential(25, 1, 15),
        _exponential(40, 2, 12),
        _exponential(120, 4, 10),
        _exponential(300, 8, 12),
        _lognormal(30, 1, 10, 0.5),
        _lognormal(60, 4, 5, 0.5),
        _lognormal(250, 2, 20, 1.0),
        _pausing(300, slo=0.05, every=10, pause=0.1),
        _pausing(300, slo=0.05, every=30, pause=0.1),
        _batches(30, 8, 8, 3, 4),
        _batches(45, 4, 3, 1, 5),
        _batches(120, 16, 10, 5, 4),
        _batches(300, 32, 20, 10, 4),
        _batches(60, 12, 6, 2, 3),
        _batches(150, 48, 25, 10, 2.6),
        _batches(700, 32, 20, 10, 6),
        _tokens(8, 0.03, (20, 120), 0.2, 1.0),
        _tokens(24, 0.02, (64, 256), 0.15, 1.0),
        _tokens(64, 0.025, (100, 400), 0.3, 2.0),
    ),
    "validate": (
        _fixed(22, 1, 14),
        _fixed(55, 4, 6),
        _fixed(250, 8, 8),
        _exponential(33, 1, 12),
        _exponential(180, 2, 15),
        _lognormal(45, 2, 8, 0.7),
        _lognormal(200, 6, 8, 0.4),
        _batches(38, 6, 5, 2, 5),
        _batches(200, 24, 12, 8, 5),
        _batches(100, 20, 15, 5, 2.8),
        _tokens(16, 0.04, (32, 200), 0.25, 1.5),
        _tokens(32, 0.02, (64, 256), 0.15, 1.0),
        _tokens(48, 0.015, (16, 300), 0.1, 0.6),
    ),
}
