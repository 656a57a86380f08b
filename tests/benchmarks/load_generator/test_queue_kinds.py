import asyncio
import math

import numpy as np
import pytest

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.queue_kinds import (
    BatchingQueue,
    RandomQueue,
    StalledQueue,
    TuningQueue,
)
from benchmarks.load_generator.tuning_queues import QUEUES
from benchmarks.load_generator.virtual_time import virtual_time
from load_generator.open_loop import Send
from load_generator.slo import Slo

KNOWN = {queue.name: queue for split in QUEUES.values() for queue in split}


def exponential(slots: int, slo_seconds: float) -> RandomQueue:
    return RandomQueue(
        "", slots, lambda rng, count: rng.exponential(1.0, count), Slo(latency_seconds=slo_seconds)
    )


def test_the_peak_of_exponential_service_is_known_exactly() -> None:
    # Latencies of M/M/1 are exponential with rate 1 - r: the 99th percentile is ln(100) / (1 - r).
    assert exponential(1, 12.0).peak_rps == pytest.approx(1 - math.log(100) / 12, rel=0.01)


def test_a_server_has_the_latencies_from_which_the_peak_follows() -> None:
    # Three at once for two slots: two are served for 1 s, the third begins when one is free.
    queue = RandomQueue("", 2, lambda _, count: np.ones(count), Slo(ttft_seconds=1.0), 0.25)
    answers = asyncio_gather(queue, [0, 1, 2])
    assert [answer.ttft_seconds for answer in answers] == pytest.approx([0.25, 0.25, 1.25])


@pytest.mark.parametrize("name", ["fixed-40x2", "batch-45x4", "exp-25x1"])
def test_every_request_is_answered(name: str) -> None:
    assert not any(answer.error for answer in asyncio_gather(KNOWN[name], range(9)))


def asyncio_gather(queue: TuningQueue, numbers: range | list[int]) -> list:
    async def run() -> list:
        send = queue.sender(1)
        return await asyncio.gather(*(send(number) for number in numbers))

    with virtual_time() as runner:
        return runner.run(run())


def test_a_stalled_server_answers_late_once() -> None:
    # A request every 0.1 s for 50 s, served in 1 ms: those of the stall come back at its end.
    queue = StalledQueue(BatchingQueue("", BatchQueue(1, base_seconds=0.001), slo_seconds=1.0))
    latencies = np.array(latencies_of(queue, np.arange(500) * 0.1))
    late = np.flatnonzero(latencies > 0.25)
    assert len(late) > 0
    assert np.diff(late).max(initial=1) == 1
    assert 8.0 <= late[0] * 0.1 <= 40.1
    assert 0.25 < latencies.max() <= 2.05
    assert np.median(latencies) == pytest.approx(0.001)


def latencies_of(queue: TuningQueue, offsets: np.ndarray) -> list[float]:
    async def one(send: Send, offset: float) -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(offset)
        before = loop.time()
        await send(0)
        return loop.time() - before

    async def run() -> list[float]:
        send = queue.sender(1)
        return await asyncio.gather(*(one(send, offset) for offset in offsets.tolist()))

    with virtual_time() as runner:
        return runner.run(run())
