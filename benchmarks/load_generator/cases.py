"""Servers whose true peak is known: fixed service time, fixed concurrency, Poisson arrivals."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.fakes.queue_meter import true_peak_rps

PERCENTILE = 99.0


@dataclass(frozen=True)
class Case:
    """A server of ``workers``, scaled so that its true peak is ``peak_rps``.

    Attributes:
        peak_rps: The truth: highest Poisson rate whose p99 latency meets the SLO.
        workers: Requests served at a time, first come first served.
        slo_services: The SLO in service times.
    """

    peak_rps: float
    workers: int
    slo_services: float

    @cached_property
    def service_seconds(self) -> float:
        """Service time. A queue knows no unit of time, so the peak of unit service is scaled."""
        return true_peak_rps(1.0, self.workers, self.slo_services, PERCENTILE) / self.peak_rps

    @property
    def capacity_rps(self) -> float:
        return self.workers / self.service_seconds

    @property
    def slo_ms(self) -> float:
        return self.slo_services * self.service_seconds * 1000


CASES = {
    "20": Case(20, workers=1, slo_services=10),
    "200": Case(200, workers=4, slo_services=5),
    "2000": Case(2000, workers=8, slo_services=12),
}


@contextlib.contextmanager
def running_server(case: Case) -> Iterator[str]:
    """The server in a process of its own; yields its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.model_server"]
        + ["--service-ms", repr(case.service_seconds * 1000), "--workers", str(case.workers)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.kill()
        process.communicate()
