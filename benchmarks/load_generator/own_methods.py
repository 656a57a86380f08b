"""The methods that need nothing but this repository."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load_generator.bisection import Found
from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.commands import run
from benchmarks.load_generator.servers import Address
from load_generator.config import PROTOCOLS
from load_generator.report import read


@dataclass(frozen=True)
class OurProfile:
    """The load generator as users run it: its command line, its result file."""

    name: str
    protocols: Sequence[str] = PROTOCOLS

    def missing(self) -> str:
        return ""

    def find(self, case: Case, address: Address, seed: int) -> Found:
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "result.json"
            ran = run(
                [sys.executable, "-m", "load_generator", *flags_of(case, address, seed)]
                + [f"--profile={self.name}", f"--result={result}"]
            )
            report = read(result)
        return Found(
            peak_rps=report.peak_rps,
            num_requests=sum(probe.num_requests for probe in report.probes),
            cpu_seconds=ran.cpu_seconds,
            seconds=ran.seconds,
            low_rps=report.peak_rps_low,
            high_rps=report.peak_rps_high,
        )


@dataclass(frozen=True)
class DoubleThenBisect:
    """Double, then bisect, in windows of some seconds."""

    name: str
    window_seconds: float
    protocols: Sequence[str] = PROTOCOLS

    def missing(self) -> str:
        return ""

    def find(self, case: Case, address: Address, seed: int) -> Found:
        program = [sys.executable, "-m", "benchmarks.load_generator.double_then_bisect"]
        window = f"--window-seconds={self.window_seconds:g}"
        ran = run([*program, *flags_of(case, address, seed), window])
        found = json.loads(ran.text)
        return Found(found["peak_rps"], found["num_requests"], ran.cpu_seconds, ran.seconds)


def flags_of(case: Case, address: Address, seed: int) -> list[str]:
    """Flags of the load generator that say what to test."""
    return [
        f"--url={address.url(case.protocol)}",
        f"--protocol={case.protocol}",
        f"--model={case.model}",
        f"--slo-ms={case.slo_ms!r}",
        f"--seed={seed}",
    ]
