"""How much load buys how much precision."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Effort of a load test. Durations are upper or nominal limits.

    Attributes:
        name: ``quick`` or ``precise``.
        max_seconds: Default time budget; slow servers use it up, fast ones need about half.
        warm_up_seconds: Discarded load at concurrency 1.
        idle_seconds: Load at concurrency 1 that decides whether the SLO holds at all.
        saturation_seconds: Closed-loop load at each concurrency.
        probe_requests: Requests that an open-loop probe aims at.
        min_probe_seconds: Shortest probe that is not stopped early.
        max_probe_seconds: Longest probe of the search; a confirming probe may take twice that.
        tolerance: The search stops when the 95 % interval of the peak is narrower than this share.
    """

    name: str
    max_seconds: float
    warm_up_seconds: float
    idle_seconds: float
    saturation_seconds: float
    probe_requests: int
    min_probe_seconds: float
    max_probe_seconds: float
    tolerance: float


PROFILES = {
    "quick": Profile(
        name="quick",
        max_seconds=60.0,
        warm_up_seconds=1.0,
        idle_seconds=1.5,
        saturation_seconds=1.5,
        probe_requests=800,
        min_probe_seconds=2.5,
        max_probe_seconds=10.0,
        tolerance=0.07,
    ),
    "precise": Profile(
        name="precise",
        max_seconds=240.0,
        warm_up_seconds=3.0,
        idle_seconds=4.0,
        saturation_seconds=4.0,
        probe_requests=4000,
        min_probe_seconds=8.0,
        max_probe_seconds=40.0,
        tolerance=0.03,
    ),
}
