"""vegeta: an open loop at a constant rate, in Go."""

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load_generator.bisection import Found, Window, search
from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.commands import run
from benchmarks.load_generator.peers.http_request import HTTP_PROTOCOLS, HttpRequest, request_of
from benchmarks.load_generator.servers import Address

PROGRAM = Path(".venv-load-peers/bin/vegeta")
_SECONDS = 10


@dataclass(frozen=True)
class Vegeta:
    """Doubles and bisects the rate; requests are evenly spaced, not Poisson arrivals."""

    name: str = "vegeta"
    protocols: Sequence[str] = HTTP_PROTOCOLS

    def missing(self) -> str:
        return "" if PROGRAM.exists() else "make .venv-load-peers/.ready (needs Go)"

    def find(self, case: Case, address: Address, _seed: int) -> Found:
        request = request_of(case, address)

        def measure(rate: float) -> Window:
            return attack(request, rate, _SECONDS, case.slo_ms)

        return search(measure, first=case.rough_rps / 8)


def attack(request: HttpRequest, rate: float, seconds: int, slo_ms: float) -> Window:
    """Runs vegeta once; the CPU time is that of the attack and of the report.

    Raises:
        CommandError: it failed.
    """
    # Rates are whole numbers, but of any interval.
    pace = [f"-rate={max(1, round(rate * 100))}/100s"]
    return _attack(request, pace, seconds, slo_ms)


def closed_loop(request: HttpRequest, workers: int, seconds: int) -> Window:
    """Sends from some workers without a pause.

    Raises:
        CommandError: it failed.
    """
    return _attack(request, ["-rate=0", f"-max-workers={workers}"], seconds, math.inf)


def _attack(request: HttpRequest, pace: Sequence[str], seconds: int, slo_ms: float) -> Window:
    program = str(PROGRAM)
    with tempfile.TemporaryDirectory() as folder:
        body, targets, results = (Path(folder) / name for name in ("body", "targets", "results"))
        body.write_bytes(request.body)
        lines = [f"{request.method} {request.url}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        lines += [f"@{body}"] if request.body else []
        targets.write_text("\n".join(lines) + "\n")
        attacked = run(
            [program, "-cpus=1", "attack", f"-targets={targets}", f"-output={results}"]
            + [*pace, f"-duration={seconds}s", "-timeout=30s"]
        )
        reported = run([program, "report", "-type=json", str(results)])
    report = json.loads(reported.text)
    p99_ms = report["latencies"]["99th"] / 1e6
    return Window(
        holds=report["success"] == 1 and p99_ms <= slo_ms,
        rate_rps=report["rate"],
        num_requests=report["requests"],
        cpu_seconds=attacked.cpu_seconds + reported.cpu_seconds,
        seconds=attacked.seconds + reported.seconds,
        p99_ms=p99_ms,
    )
