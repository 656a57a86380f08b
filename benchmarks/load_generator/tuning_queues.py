"""Queues on which the search is tuned; none of them is a server of the benchmark."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.queue_kinds import (
    BatchingQueue,
    RandomQueue,
    StalledQueue,
    TuningQueue,
)
from load_generator.slo import Slo


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
    "tune-stalled": tuple(
        StalledQueue(queue)
        for queue in (
            _fixed(26, 1, 8),
            _fixed(300, 3, 10),
            _fixed(1200, 6, 15),
            _batches(30, 8, 8, 3, 4),
            _batches(700, 32, 20, 10, 6),
        )
    ),
    "validate-stalled": tuple(
        StalledQueue(queue)
        for queue in (
            _fixed(55, 4, 6),
            _fixed(250, 8, 8),
            _fixed(900, 4, 20),
            _lognormal(200, 6, 8, 0.4),
            _batches(200, 24, 12, 8, 5),
        )
    ),
}
