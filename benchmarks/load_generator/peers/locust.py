"""locust: users in Python who each keep a pace, over gevent."""

import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.load_generator.bisection import Found, Window, search
from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.commands import run
from benchmarks.load_generator.peers.http_request import HTTP_PROTOCOLS, HttpRequest, request_of
from benchmarks.load_generator.servers import Address

PROGRAM = Path(".venv-load-peers/bin/locust")
_SECONDS = 10
_FILE = Path(__file__).with_name("locustfile.py")
# locust ends with 1 when a request failed; the table tells how many.
_CODES = (0, 1)


@dataclass(frozen=True)
class Locust:
    """Doubles and bisects the number of users, of one request a second each."""

    name: str = "locust"
    protocols: Sequence[str] = HTTP_PROTOCOLS

    def missing(self) -> str:
        return "" if PROGRAM.exists() else "make .venv-load-peers/.ready"

    def find(self, case: Case, address: Address, _seed: int) -> Found:
        request = request_of(case, address)

        def measure(users: float) -> Window:
            return swarm(request, round(users), 1.0, _SECONDS, case.slo_ms)

        return search(measure, first=max(1, round(case.rough_rps / 8)), step=1)


def swarm(
    request: HttpRequest, users: int, rate_of_user: float, seconds: int, slo_ms: float
) -> Window:
    """Runs locust once. All users start within a second, which does not count.

    Args:
        request: What each user sends.
        users: Their number.
        rate_of_user: Requests a second of one; 0 for one after the other.
        seconds: For how long.
        slo_ms: Bound on the 99th percentile.

    Raises:
        CommandError: it failed.
    """
    parts = urlsplit(request.url)
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        body.write_bytes(request.body)
        environment = {
            "LOAD_BODY": str(body),
            "LOAD_HEADERS": "\n".join(f"{n}: {v}" for n, v in request.headers.items()),
            "LOAD_PATH": parts.path,
            "LOAD_RATE_OF_USER": repr(rate_of_user),
            "LOCUST_SKIP_LOG_SETUP": "1",
        }
        command = [os.path.abspath(PROGRAM), "--headless", "--locustfile", str(_FILE)]
        command += [f"--users={users}", f"--spawn-rate={users}", f"--run-time={seconds + 1}s"]
        command += ["--reset-stats", "--only-summary", f"--csv={folder}/table"]
        command += [f"--host={parts.scheme}://{parts.netloc}"]
        ran = run(command, environment, _CODES)
        row = _total(Path(folder) / "table_stats.csv")
    num_requests, p99_ms = int(row["Request Count"]), float(row["99%"])
    return Window(
        holds=int(row["Failure Count"]) == 0 and p99_ms <= slo_ms,
        rate_rps=float(row["Requests/s"]),
        num_requests=num_requests,
        cpu_seconds=ran.cpu_seconds,
        seconds=ran.seconds,
        p99_ms=p99_ms,
    )


def _total(path: Path) -> dict[str, str]:
    """The row of all requests together."""
    with path.open(newline="") as file:
        return next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
