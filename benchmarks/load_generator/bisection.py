"""The usual way to find a peak: double the load until the SLO breaks, then bisect.

The original Morphling's client works like this (pkg/client/morphling_client.py in
kubedl-io/morphling), and so do scripts around load generators that have no search of their own.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

TOLERANCE = 0.02
# A server that holds its SLO at none of so many halvings has no peak.
_LEAST_SHARE = 1 / 500


@dataclass(frozen=True)
class Window:
    """One stretch of load: whether the SLO held, and what was served at which cost.

    ``p99_ms`` is the 99th percentile of latency as the client tells it.
    """

    holds: bool
    rate_rps: float
    num_requests: int
    cpu_seconds: float
    seconds: float
    p99_ms: float


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes:
        peak_rps: The peak; 0 when the SLO held nowhere.
        num_requests: Requests sent in all.
        cpu_seconds: CPU time of the client.
        seconds: Duration.
        low_rps: Lower end of the peak's 95 % interval, from methods that give one.
        high_rps: Upper end.
    """

    peak_rps: float
    num_requests: int
    cpu_seconds: float
    seconds: float
    low_rps: float | None = None
    high_rps: float | None = None


def doubled_then_bisected(
    first: float, tolerance: float, step: float = 0.0
) -> Generator[float, bool, float]:
    """Yields the loads to try, is sent whether each holds, and returns the highest that did.

    Args:
        first: Where the doubling begins.
        tolerance: The search ends when the bracket is narrower than this share.
        step: Or narrower than this: 1 for numbers of connections.
    """
    low, high = 0.0, first
    while (yield high):
        low, high = high, 2 * high
    while high - low > max(tolerance * low, step) and high > first * _LEAST_SHARE:
        middle = (low + high) / 2
        if step:
            middle = step * round(middle / step)
        low, high = (middle, high) if (yield middle) else (low, middle)
    return low


def search(measure: Callable[[float], Window], first: float, *, step: float = 0.0) -> Found:
    """Searches with a function that measures one window.

    The peak is the rate of the best window that held: for a closed loop, where the load is a
    number of connections, its throughput.

    Args:
        measure: Takes the load.
        first: Where the doubling begins.
        step: Smallest difference of loads; 0 for any.
    """
    windows: list[Window] = []
    loads = doubled_then_bisected(first, TOLERANCE, step)
    load = next(loads)
    try:
        while True:
            windows.append(measure(load))
            load = loads.send(windows[-1].holds)
    except StopIteration:
        pass
    return Found(
        peak_rps=max((w.rate_rps for w in windows if w.holds), default=0.0),
        num_requests=sum(w.num_requests for w in windows),
        cpu_seconds=sum(w.cpu_seconds for w in windows),
        seconds=sum(w.seconds for w in windows),
    )
