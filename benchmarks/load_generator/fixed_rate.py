"""Poisson arrivals at a fixed rate for a stretch of time: a program of its own.

Their number is that of the rate, and not a random one: windows differ less from each other then.
It has a sender of its own, so that a fault in the load generator's open loop cannot hide in the
truth; they share the client below it. Nothing ends early, and what is not answered counts as late.
"""

import argparse
import asyncio
import json
import time

import numpy as np

from load_generator.client import Client, open_client
from load_generator.event_loop import new_event_loop
from load_generator.flags import make_config, make_parser

_PATIENCE_SECONDS = 30.0


async def _send_all(
    client: Client, rate: float, skip: float, seconds: float, seed: int, slo_seconds: float
) -> dict[str, float]:
    """Sends for ``skip + seconds``; requests of the first part do not count."""
    source = np.random.default_rng([seed, 977])
    count = round(rate * (skip + seconds))
    offsets = np.sort(source.uniform(0, skip + seconds, count)).tolist()
    latency, lags = np.full(count, np.inf), np.zeros(count)
    start = time.monotonic()

    async def one(number: int, due: float) -> None:
        answer = await client.send(number)
        if not answer.error:
            latency[number] = time.monotonic() - due

    tasks = []
    for number, offset in enumerate(offsets):
        due = start + offset
        while (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        lags[number] = time.monotonic() - due
        tasks.append(asyncio.create_task(one(number, due)))
    _, late = await asyncio.wait(tasks, timeout=_PATIENCE_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    counts = np.array(offsets) >= skip
    return {
        "num_requests": int(counts.sum()),
        "num_violations": int((latency[counts] > slo_seconds).sum()),
        "p99_ms": float(np.percentile(latency[counts], 99)) * 1000,
        "lag_p99_seconds": float(np.percentile(lags[counts], 99)),
    }


async def _run(arguments: argparse.Namespace) -> dict[str, float]:
    config = make_config(arguments)
    async with open_client(config) as client:
        await client.wait_until_ready()
        await client.prepare()
        return await _send_all(
            client,
            arguments.rate,
            arguments.skip_seconds,
            arguments.seconds,
            config.seed,
            config.slo.latency_seconds,
        )


def main() -> None:
    """Takes the flags of the load generator, and those of the window."""
    parser = argparse.ArgumentParser(parents=[make_parser()], add_help=False)
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60, help="default: 60")
    parser.add_argument("--skip-seconds", type=float, default=5, help="first, not counted")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(_run(parser.parse_args()))))


if __name__ == "__main__":
    main()
