import asyncio
import math

import numpy as np
import pytest

from benchmarks.load_generator.cases import CASES
from benchmarks.load_generator.tuning_queues import QUEUES, RandomQueue, TuningQueue
from benchmarks.load_generator.virtual_time import virtual_time
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


def test_nothing_is_tuned_on_what_is_judged() -> None:
    # A queue knows no unit of time: in units of its service time it is told by these two numbers.
    judged = {
        (case.unit_queue.engines, case.unit_slo / case.unit_queue.base_seconds)
        for case in CASES.values()
        if case.peak_rps is not None and case.unit_queue.max_batch == 1
    }
    tuned = {
        (queue.queue.engines, round(queue.slo_seconds / queue.queue.base_seconds, 6))
        for queue in QUEUES["tune"]
        if not isinstance(queue, RandomQueue) and queue.queue.max_batch == 1
    }
    assert judged
    assert tuned
    assert not judged & tuned
    names = [queue.name for split in QUEUES.values() for queue in split]
    assert len(names) == len(set(names))
