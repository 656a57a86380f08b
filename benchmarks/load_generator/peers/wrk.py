"""wrk: a closed loop over connections, in C."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load_generator.bisection import Found, Window, search
from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.commands import Ran, run
from benchmarks.load_generator.peers.http_request import HTTP_PROTOCOLS, HttpRequest, request_of
from benchmarks.load_generator.servers import Address

_SECONDS = 10
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s|m)\b")
_REQUESTS = re.compile(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_FAILED = re.compile(r"Non-2xx|Socket errors")


@dataclass(frozen=True)
class Summary:
    """What wrk prints at the end."""

    num_requests: int
    seconds: float
    p99_seconds: float
    has_failures: bool


@dataclass(frozen=True)
class Wrk:
    """Doubles and bisects the connections; the throughput at the most that hold is the peak."""

    name: str = "wrk"
    protocols: Sequence[str] = HTTP_PROTOCOLS

    def missing(self) -> str:
        return "" if shutil.which("wrk") else "apt-get install wrk"

    def find(self, case: Case, address: Address, _seed: int) -> Found:
        request = request_of(case, address)

        def measure(connections: float) -> Window:
            ran, summary = run_wrk(request, round(connections), _SECONDS)
            return Window(
                holds=not summary.has_failures and summary.p99_seconds * 1000 <= case.slo_ms,
                rate_rps=summary.num_requests / summary.seconds,
                num_requests=summary.num_requests,
                cpu_seconds=ran.cpu_seconds,
                seconds=ran.seconds,
                p99_ms=summary.p99_seconds * 1000,
            )

        return search(measure, first=1, step=1)


def run_wrk(request: HttpRequest, connections: int, seconds: int) -> tuple[Ran, Summary]:
    """Runs wrk once, in one thread.

    Raises:
        CommandError: it failed.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout=30s"]
    for name, value in request.headers.items():
        command += ["-H", f"{name}: {value}"]
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder) / "body", Path(folder) / "post.lua"
        body.write_bytes(request.body)
        script.write_text(
            f'wrk.method = "{request.method}"\nwrk.body = io.open("{body}", "rb"):read("*a")\n'
        )
        if request.body:
            command += ["-s", str(script)]
        ran = run([*command, request.url])
    return ran, parsed(ran.text)


def parsed(text: str) -> Summary:
    """Reads what wrk prints.

    Raises:
        ValueError: it is something else.
    """
    requests, p99 = _REQUESTS.search(text), _P99.search(text)
    if not (requests and p99):
        raise ValueError(f"wrk must print its requests and their 99 % latency, but got {text!r}.")
    return Summary(
        num_requests=int(requests[1]),
        seconds=float(requests[2]) * _UNITS[requests[3]],
        p99_seconds=float(p99[1]) * _UNITS[p99[2]],
        has_failures=bool(_FAILED.search(text)),
    )
