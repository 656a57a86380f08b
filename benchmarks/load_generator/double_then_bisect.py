"""The usual way to find a peak, for comparison: double the rate until the SLO breaks, then bisect.

The original Morphling's client works like this (pkg/client/morphling_client.py in
kubedl-io/morphling). Here it gets the best of everything: the same open loop on an absolute
schedule, the same early end of hopeless windows, and bisection to 2 % instead of its 10 %.
"""

import asyncio

import numpy as np

from load_generator.client import open_client
from load_generator.closed_loop import ClosedLoop
from load_generator.config import LoadTestConfig
from load_generator.open_loop import OpenLoop
from load_generator.records import Limits
from load_generator.schedule import poisson_send_times

WINDOW_SECONDS = 10.0
_TOLERANCE = 0.02


async def double_then_bisect(config: LoadTestConfig) -> tuple[float, float]:
    """Returns the peak in requests a second, and the seconds it took to find."""
    loop = asyncio.get_running_loop()
    limits = Limits(slo=config.slo, timeout_seconds=config.timeout_seconds)
    async with open_client(config) as client:
        await client.wait_until_ready()
        start = loop.time()

        async def holds(rate: float, window: int) -> bool:
            count = max(1, round(rate * WINDOW_SECONDS))
            offsets = poisson_send_times(rate, count, config.seed * 1000 + window)
            sample = await OpenLoop(client.send, limits, offsets).run()
            misses = np.mean(sample.violations(config.slo))
            return not sample.stop_reason and bool(misses <= config.slo.allowed_share)

        idle = await ClosedLoop(
            client.send, limits, concurrency=1, seconds=1.0, patience_seconds=10.0
        ).run()
        low, high, window = 0.0, idle.throughput_rps, 0
        while await holds(high, window):
            low, high, window = high, 2 * high, window + 1
        while high > low * (1 + _TOLERANCE):
            middle, window = (low + high) / 2, window + 1
            low, high = (middle, high) if await holds(middle, window) else (low, middle)
        return low, loop.time() - start
