"""One stretch of the load generator's load, by itself: a program of its own.

With ``--concurrency`` a closed loop, with ``--rate`` an open one.
"""

import argparse
import asyncio
import json

from load_generator.client import open_client
from load_generator.closed_loop import ClosedLoop
from load_generator.event_loop import new_event_loop
from load_generator.flags import make_config, make_parser
from load_generator.open_loop import OpenLoop
from load_generator.sample import summarize
from load_generator.schedule import poisson_send_times
from load_generator.server_meter import limits_of


async def _run(arguments: argparse.Namespace) -> dict[str, float | None]:
    config = make_config(arguments)
    loop: ClosedLoop | OpenLoop
    async with open_client(config) as client:
        await client.wait_until_ready()
        await client.prepare()
        if arguments.concurrency:
            loop = ClosedLoop(
                client.send,
                limits_of(config),
                concurrency=arguments.concurrency,
                seconds=arguments.seconds,
                patience_seconds=10.0,
            )
        else:
            count = round(arguments.rate * arguments.seconds)
            offsets = poisson_send_times(arguments.rate, count, config.seed)
            loop = OpenLoop(client.send, limits_of(config), offsets)
        probe = summarize(await loop.run(), kind="rate", slo=config.slo)
    return {
        "num_requests": probe.num_requests,
        "seconds": probe.seconds,
        "p99_ms": probe.latency_p99_ms,
    }


def main() -> None:
    """Takes the flags of the load generator, and those of the stretch."""
    parser = argparse.ArgumentParser(parents=[make_parser()], add_help=False)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--concurrency", type=int, default=0, help="requests in flight")
    kind.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10, help="for how long (default: 10)")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(_run(parser.parse_args()))))


if __name__ == "__main__":
    main()
