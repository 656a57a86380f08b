"""Command line: ``python -m benchmarks.load_generator``."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import uvloop

from benchmarks.load_generator.cases import CASES, PERCENTILE, Case, running_server
from benchmarks.load_generator.double_then_bisect import double_then_bisect
from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.load_test import run_load_test
from load_generator.profile import PROFILES
from load_generator.slo import Slo

METHODS = (*PROFILES, "double-then-bisect")


@dataclass(frozen=True)
class Measurement:
    """One search for the peak of one server."""

    case: str
    method: str
    seed: int
    peak_rps: float
    seconds: float


def measure(name: str, method: str, seed: int) -> Measurement:
    """Starts the server of a case and finds its peak."""
    with running_server(CASES[name]) as url:
        config = _config(CASES[name], url, method, seed)
        if method in PROFILES:
            report = uvloop.run(run_load_test(config, Cost(), lambda _: None))
            peak, seconds = report.peak_rps, report.seconds - report.wait_seconds
        else:
            peak, seconds = uvloop.run(_bisected(config))
    return Measurement(name, method, seed, peak, seconds)


async def _bisected(config: LoadTestConfig) -> tuple[float, float]:
    return await asyncio.wait_for(double_then_bisect(config), 600)


def _config(case: Case, url: str, method: str, seed: int) -> LoadTestConfig:
    profile = PROFILES.get(method, PROFILES["quick"])
    return LoadTestConfig(
        url=url,
        protocol="http",
        model="",
        payloads=None,
        slo=Slo(latency_seconds=case.slo_ms / 1000, percentile=PERCENTILE),
        profile=profile,
        max_seconds=profile.max_seconds,
        ready_seconds=30,
        seed=seed,
    )


def table(measurements: Sequence[Measurement]) -> Iterator[str]:
    """One Markdown row for each case and method: mean, spread and worst error, mean time."""
    yield "| true peak | server | method | runs | mean error | spread | worst error | seconds |"
    yield "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for name, case in CASES.items():
        for method in METHODS:
            found = [m for m in measurements if (m.case, m.method) == (name, method)]
            if not found:
                continue
            errors = np.array([m.peak_rps / case.peak_rps - 1 for m in found])
            seconds = np.mean([m.seconds for m in found])
            server = f"{case.workers} x {case.service_seconds * 1000:.3g} ms, SLO {case.slo_ms:.0f}"
            worst = errors[np.abs(errors).argmax()]
            yield (
                f"| {case.peak_rps:g} | {server} ms | {method} | {len(found)} | "
                f"{errors.mean():+.1%} | {errors.std():.1%} | {worst:+.1%} | {seconds:.0f} |"
            )


def _load(path: Path) -> list[Measurement]:
    if not path.exists():
        return []
    return [Measurement(**json.loads(line)) for line in path.read_text().splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Finds known peaks with every method and prints how far off each is. "
        "Measurements are added to a file; those that it holds are not made again."
    )
    add = parser.add_argument
    add("--cases", nargs="+", choices=CASES, default=list(CASES))
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    add("--seeds", nargs="+", type=int, default=[1, 2, 3])
    add("--output", type=Path, default=Path("runs/load_generator.jsonl"))
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    known = {(m.case, m.method, m.seed) for m in _load(arguments.output)}
    for seed in arguments.seeds:
        for name in arguments.cases:
            for method in arguments.methods:
                if (name, method, seed) in known:
                    continue
                measured = measure(name, method, seed)
                print(
                    f"peak {name} rps, {method}, seed {seed}: {measured.peak_rps:.1f} rps "
                    f"in {measured.seconds:.0f} s",
                    flush=True,
                )
                with arguments.output.open("a") as file:
                    file.write(json.dumps(asdict(measured)) + "\n")
    print("\n".join(table(_load(arguments.output))))


if __name__ == "__main__":
    main()
