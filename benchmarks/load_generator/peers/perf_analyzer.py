"""perf_analyzer: Triton's own load generator, in C++, with a search of its own.

It is used at its best settings: Poisson arrivals, asynchronous calls, the 99th percentile, binary
search between rates that hold the peak for sure. Its test of stability is off (three windows always
count): a Poisson stream's percentiles differ by more than its 10 %, and the search would end at the
first rate at which they do. Its arrivals have no seed: the generator of random numbers starts in
the same state at each rate (``src/request_rate_manager.cc``).
"""

import csv
import glob
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.load_generator.bisection import Found, Window
from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.commands import Ran, run
from benchmarks.load_generator.servers import Address
from benchmarks.load_generator.simulated_server import MODEL

PROGRAM = Path(".venv-load-peers/bin/perf_analyzer")
_CUDA = ".venv-load-peers/lib/python*/site-packages/nvidia/cuda_runtime/lib"
# Three windows make 12 s at each rate, about as long as the others' one.
_WINDOW_MS, _NUM_WINDOWS = 4000, 3
_PASS = re.compile(r"Pass \[\d+\] throughput: ([\d.]+) infer/sec")
_LOWEST, _HIGHEST, _STEP = 0.25, 2.0, 0.02
# At 4,000 a second it ends with an error: most likely since each waiting request has a connection,
# and they are soon more than the files that a process may open.
_FAST_RPS, _FAST_HIGHEST = 1500.0, 1.25


@dataclass(frozen=True)
class PerfAnalyzer:
    """Searches from a quarter to twice the expected peak (if fast, less), in steps of 2 % of it."""

    name: str = "perf_analyzer"
    # Over HTTP it sends tensors in binary form, and asks for more than MLServer answers.
    protocols: Sequence[str] = ("http", "v2-rest-binary", "v2-grpc")

    def missing(self) -> str:
        if not PROGRAM.exists():
            return "make .venv-load-peers/.ready"
        command = [str(PROGRAM), "--version"]
        code = subprocess.run(command, env={**os.environ, **_environment()}, capture_output=True)
        return "" if code.returncode == 0 else "apt-get install libb64-0d"

    def find(self, case: Case, address: Address, _seed: int) -> Found:
        top = _FAST_HIGHEST if case.rough_rps > _FAST_RPS else _HIGHEST
        lowest, highest, step = (case.rough_rps * share for share in (_LOWEST, top, _STEP))
        ran, rows = _run(
            _target(case, address)
            + [f"--request-rate-range={lowest:.4g}:{highest:.4g}:{step:.4g}", "--binary-search"]
            + [f"--latency-threshold={round(case.slo_ms)}", "--request-distribution=poisson"]
        )
        good = [row for row in rows if float(row["p99 latency"]) / 1000 <= case.slo_ms]
        return Found(
            peak_rps=max((float(row["Inferences/Second"]) for row in good), default=0.0),
            num_requests=_num_requests(ran.text),
            cpu_seconds=ran.cpu_seconds,
            seconds=ran.seconds,
        )


def at_rate(address: Address, rate: int) -> Window:
    """Measures the simulated server at one rate; what it told is in the window."""
    load = [f"--request-rate-range={rate}", "--request-distribution=poisson"]
    return _one(address, load)


def closed_loop(address: Address, concurrency: int, num_requests: int) -> Window:
    """Measures the simulated server with some requests in flight, until all are answered.

    Not in windows of time: it would go on sending while it sums up a window, which takes minutes
    where there are tens of thousands of answers.
    """
    load = [f"--concurrency-range={concurrency}", f"--request-count={num_requests}"]
    return replace(_one(address, load), num_requests=num_requests)


def _one(address: Address, load: Sequence[str]) -> Window:
    target = ["-m", MODEL, "-u", f"127.0.0.1:{address.http_port}", "-i", "http"]
    ran, rows = _run([*target, *load])
    return Window(
        holds=True,
        rate_rps=float(rows[0]["Inferences/Second"]),
        num_requests=_num_requests(ran.text),
        cpu_seconds=ran.cpu_seconds,
        seconds=ran.seconds,
        p99_ms=float(rows[0]["p99 latency"]) / 1000,
    )


def _target(case: Case, address: Address) -> list[str]:
    if case.protocol == "v2-grpc":
        return ["-m", case.model, "-u", f"127.0.0.1:{address.grpc_port}", "-i", "grpc"]
    return ["-m", case.model or MODEL, "-u", f"127.0.0.1:{address.http_port}", "-i", "http"]


def _run(arguments: Sequence[str]) -> tuple[Ran, list[dict[str, str]]]:
    """Runs it; returns the rows of its table too, one for each rate that held."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        command = [str(PROGRAM), *arguments, "--async", "-v", "--percentile=99", f"-f{table}"]
        command += [f"--measurement-interval={_WINDOW_MS}", f"--max-trials={_NUM_WINDOWS}"]
        command.append("--stability-percentage=1000000")
        ran = run(command, _environment())
        if not table.exists():  # no rate held
            return ran, []
        with table.open(newline="") as file:
            return ran, list(csv.DictReader(file))


def _environment() -> Mapping[str, str]:
    return {"LD_LIBRARY_PATH": ":".join(os.path.abspath(folder) for folder in glob.glob(_CUDA))}


def _num_requests(text: str) -> int:
    """Answers in all windows; what came between them is not told."""
    return round(sum(float(rate) for rate in _PASS.findall(text)) * _WINDOW_MS / 1000)
