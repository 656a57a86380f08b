"""Which payloads a load test sends: others in each stretch, the same in each trial."""

import asyncio

from benchmarks.load_generator.tuning import SimulatedClient
from load_generator.answer import GOOD, Answer
from load_generator.schedule import Opening
from load_generator.server_meter import LocalMeter
from tests.load_generator.builders import config


def stretches(seed: int) -> list[list[int]]:
    """Numbers of the requests of two closed and three open loops, the second one twice."""

    async def run() -> list[list[int]]:
        sent: list[int] = []
        found: list[list[int]] = []

        async def send(index: int) -> Answer:
            sent.append(index)
            await asyncio.sleep(0.001)
            return GOOD

        client = SimulatedClient(send)
        async with LocalMeter(client, config(seed=seed), lambda _: None) as meter:
            await meter.get_ready()
            for index in (None, None, 0, 1, 1):
                if index is None:
                    await meter.closed_loop(2, 0.02, "saturation")
                else:
                    await meter.open_loop(500.0, 0.02, index, "rate", Opening())
                found.append(sorted(sent))
                sent.clear()
        return found

    return asyncio.run(run())


def test_each_stretch_begins_with_other_payloads():
    closed, again, first, second, same = stretches(seed=3)
    firsts = [numbers[0] for numbers in (closed, again, first, second)]
    assert len(set(firsts)) == 4
    assert not set(first) & set(second)
    assert second == same
    assert first == list(range(first[0], first[0] + 10))


def test_trials_with_one_seed_send_the_same():
    one, other = ([numbers[0] for numbers in stretches(seed=3)] for _ in range(2))
    assert one == other
    assert one != [numbers[0] for numbers in stretches(seed=4)]
