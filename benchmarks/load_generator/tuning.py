"""The search on queues in virtual time: ``python -m benchmarks.load_generator.tuning``.

This is where settings of the search are chosen. The search and both loops are those that users
run; the server, the client's way to it and the passing of time are simulated.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np

from benchmarks.load_generator.queue_kinds import TuningQueue
from benchmarks.load_generator.tuning_queues import QUEUES
from benchmarks.load_generator.virtual_time import virtual_time
from load_generator.answer import Answer
from load_generator.config import LoadTestConfig
from load_generator.finding import Finding
from load_generator.open_loop import Send
from load_generator.profile import PROFILES
from load_generator.report import Probe
from load_generator.server_meter import LocalMeter
from load_generator.slo_search import Search


class SimulatedClient:
    """A client of a simulated server, which is ready at once."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def wait_until_ready(self) -> float:
        return 0.0

    async def prepare(self) -> None:
        pass

    async def send(self, index: int) -> Answer:
        return await self._send(index)


@dataclass(frozen=True)
class Task:
    """One search; named by numbers, since queues hold functions, which no process can pass."""

    split: str
    number: int
    profile: str
    seed: int


@dataclass(frozen=True)
class Outcome:
    """Of one search; rates in requests a second."""

    peak_rps: float
    low_rps: float
    high_rps: float
    seconds: float


def config_of(queue: TuningQueue, profile: str, seed: int) -> LoadTestConfig:
    """A search with everything else as it is by default."""
    return LoadTestConfig(
        url="http://127.0.0.1:1",
        protocol="http",
        model="",
        payloads=None,
        slo=queue.slo,
        profile=PROFILES[profile],
        max_seconds=PROFILES[profile].max_seconds,
        ready_seconds=1.0,
        seed=seed,
    )


def find_peak(
    queue: TuningQueue, config: LoadTestConfig, on_probe: Callable[[Probe], None] = lambda _: None
) -> tuple[Finding, float]:
    """Searches for the peak of a queue.

    Args:
        queue: Takes the place of the server; its SLO is not used.
        config: SLO, profile, budget and seed.
        on_probe: Called with each probe.

    Returns:
        What was found, and the seconds that it took in virtual time.
    """

    async def find() -> tuple[Finding, float]:
        meter = LocalMeter(SimulatedClient(queue.sender(config.seed)), config, lambda _: None)
        async with meter:
            await meter.get_ready()
            finding = await Search(config, meter, on_probe).run()
        return finding, config.max_seconds - meter.seconds_left()

    with virtual_time() as runner:
        return runner.run(find())


def _run(task: Task) -> Outcome:
    queue = QUEUES[task.split][task.number]
    finding, seconds = find_peak(queue, config_of(queue, task.profile, task.seed))
    return Outcome(finding.peak_rps, finding.low_rps, finding.high_rps, seconds)


def _row(name: str, found: Sequence[tuple[float, Outcome]]) -> str:
    """Figures of searches, each with the true peak."""
    errors = np.array([outcome.peak_rps / peak - 1 for peak, outcome in found])
    holds = np.mean([outcome.low_rps <= peak <= outcome.high_rps for peak, outcome in found])
    seconds = np.mean([outcome.seconds for _, outcome in found])
    figures = f"{errors.mean():+7.1%} {errors.std():7.1%} {errors.min():+7.1%} {holds:7.0%}"
    return f"{name:32} {figures} {seconds:7.0f}"


def _print_profile(pool: Executor, split: str, profile: str, queues: str, seeds: range) -> None:
    chosen = [(n, queue) for n, queue in enumerate(QUEUES[split]) if queue.name.startswith(queues)]
    running = [
        (queue, pool.map(_run, [Task(split, number, profile, seed) for seed in seeds]))
        for number, queue in chosen
    ]
    found = []
    for queue, outcomes in running:
        found.append([(queue.peak_rps, outcome) for outcome in outcomes])
        print(_row(f"{profile} {queue.name}", found[-1]), flush=True)
    print(_row(f"{profile}, all", [one for group in found for one in group]), flush=True)


def main() -> None:
    """Prints a row for each queue: mean error and spread of the peak, coverage, duration."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load_generator.tuning",
        description="Runs the search on simulated queues in virtual time and prints how far off "
        "the peak is. Settings are chosen by the splits for tuning; those for validation tell "
        "whether they hold elsewhere. A stalled server stands still once.",
    )
    add = parser.add_argument
    add("--split", choices=QUEUES, default="tune", help="which queues (default: tune)")
    add("--profiles", nargs="*", choices=PROFILES, default=list(PROFILES), help="(default: all)")
    add("--queues", default="", metavar="PREFIX", help="only those whose name begins so")
    add("--repeats", type=int, default=16, help="searches of each (default: 16)")
    add("--first-seed", type=int, default=1, help="of the arrivals (default: 1)")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.repeats)
    print(f"{'':32} {'error':>7} {'spread':>7} {'lowest':>7} {'holds':>7} {'seconds':>7}")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for profile in arguments.profiles:
            _print_profile(pool, arguments.split, profile, arguments.queues, seeds)


if __name__ == "__main__":
    main()
