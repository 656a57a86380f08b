"""Measurements whose figures are known."""

from benchmarks.load_generator.results import Measurement


def measurement(
    case: str = "fixed-200",
    method: str = "quick",
    repeat: int = 1,
    peak_rps: float = 200.0,
    interval: tuple[float, float] | None = None,
) -> Measurement:
    """A search that took 60 s, 1,000 requests and 0.5 s of CPU time."""
    low, high = interval or (None, None)
    return Measurement(case, method, repeat, peak_rps, low, high, 1000, 0.5, 60.0)
