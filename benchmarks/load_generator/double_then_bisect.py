"""Double, then bisect, with the load generator's own open loop: a program of its own.

It gets the best of everything: the same Poisson stream on an absolute schedule, the same early end
of hopeless windows, and bisection to 2 % instead of the original's 10 %.
"""

import argparse
import asyncio
import json

import numpy as np

from benchmarks.load_generator.bisection import TOLERANCE, doubled_then_bisected
from load_generator.client import Client, open_client
from load_generator.closed_loop import ClosedLoop
from load_generator.config import LoadTestConfig
from load_generator.event_loop import new_event_loop
from load_generator.flags import make_config, make_parser
from load_generator.open_loop import OpenLoop
from load_generator.schedule import poisson_send_times
from load_generator.server_meter import limits_of


async def _find(config: LoadTestConfig, window_seconds: float) -> dict[str, float]:
    async with open_client(config) as client:
        await client.wait_until_ready()
        await client.prepare()
        idle = await ClosedLoop(
            client.send, limits_of(config), concurrency=1, seconds=1.0, patience_seconds=10.0
        ).run()
        loads = doubled_then_bisected(idle.throughput_rps, TOLERANCE)
        num_requests, rate = idle.num_requests, next(loads)
        window = 0
        while True:
            window += 1
            held, count = await _window(client, config, rate, window_seconds, window)
            num_requests += count
            try:
                rate = loads.send(held)
            except StopIteration as end:
                return {"peak_rps": end.value, "num_requests": num_requests}


async def _window(
    client: Client, config: LoadTestConfig, rate: float, seconds: float, number: int
) -> tuple[bool, int]:
    """Whether the SLO held for a window, and how many requests that took."""
    count = max(1, round(rate * seconds))
    offsets = poisson_send_times(rate, count, config.seed * 1000 + number)
    sample = await OpenLoop(client.send, limits_of(config), offsets).run()
    misses = np.mean(sample.violations(config.slo)) if sample.num_requests else 1.0
    held = not sample.stop_reason and bool(misses <= config.slo.allowed_share)
    return held, sample.num_requests


def main() -> None:
    """Takes the flags of the load generator, and ``--window-seconds``."""
    parser = argparse.ArgumentParser(parents=[make_parser()], add_help=False)
    parser.add_argument("--window-seconds", type=float, default=10.0, help="default: 10")
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        found = runner.run(_find(make_config(arguments), arguments.window_seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
