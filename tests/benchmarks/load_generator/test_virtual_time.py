import asyncio
import time

import pytest

from benchmarks.load_generator.virtual_time import virtual_time


def test_hours_pass_at_once_and_in_order() -> None:
    async def wait(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return time.monotonic()

    async def run() -> list[float]:
        return await asyncio.gather(wait(7200.0), wait(1.5), wait(3600.0))

    with virtual_time() as runner:  # else the test would be ended for taking too long
        assert runner.run(run()) == pytest.approx([7200.0, 1.5, 3600.0])


def test_the_clock_is_given_back() -> None:
    with virtual_time():
        assert time.monotonic() == 0.0
    assert time.monotonic() > 0.0


def test_waiting_for_nothing_is_an_error_and_no_hang() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with virtual_time() as runner, pytest.raises(RuntimeError, match="wait for ever"):
        runner.run(asyncio.wait_for(wait(), None))
