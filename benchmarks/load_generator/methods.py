"""Every way to find a peak that is compared."""

from collections.abc import Sequence
from typing import Protocol

from benchmarks.load_generator.bisection import Found
from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.own_methods import DoubleThenBisect, OurProfile
from benchmarks.load_generator.peers.locust import Locust
from benchmarks.load_generator.peers.perf_analyzer import PerfAnalyzer
from benchmarks.load_generator.peers.vegeta import Vegeta
from benchmarks.load_generator.peers.wrk import Wrk
from benchmarks.load_generator.servers import Address


class Method(Protocol):
    """Finds the peak of a server that runs."""

    @property
    def name(self) -> str:
        """Names it on the command line and on the page."""

    def missing(self) -> str:
        """How to install what is missing; empty when nothing is."""

    @property
    def protocols(self) -> Sequence[str]:
        """Those that it speaks."""

    def find(self, case: Case, address: Address, seed: int, /) -> Found:
        """Finds the peak.

        Raises:
            CommandError: its program failed.
        """


_ALL: tuple[Method, ...] = (
    OurProfile("quick"),
    OurProfile("precise"),
    DoubleThenBisect("double-then-bisect", 10.0),
    DoubleThenBisect("double-then-bisect-30s", 30.0),
    PerfAnalyzer(),
    Vegeta(),
    Locust(),
    Wrk(),
)
METHODS = {method.name: method for method in _ALL}
