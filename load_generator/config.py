"""What to test and how thoroughly: values that check themselves once."""

import math
from dataclasses import dataclass
from urllib.parse import urlsplit

from load_generator.slo import Slo

PROTOCOLS = ("v2-rest", "v1-rest", "http")


class ConfigError(ValueError):
    """A setting of the load test breaks a rule; the message states the rule, then the value."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How much load buys how much precision. Durations are upper or nominal limits.

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
        tolerance=0.05,
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
        tolerance=0.02,
    ),
}


@dataclass(frozen=True, kw_only=True)
class LoadTestConfig:
    """One load test.

    Attributes:
        url: Address of the model server, ``http://host:port`` with an optional path.
        protocol: One of ``PROTOCOLS``.
        model: Name of the served model; empty only for plain HTTP.
        payload: Request body; None asks for one made from the model's metadata (v2-rest) or, with
            plain HTTP, for a GET.
        slo_ms: Bound on the latency percentile, in milliseconds.
        slo_percentile: The percentile that the SLO bounds, for instance 99.
        profile: Precision.
        max_seconds: Hard limit of the test's duration after the server is ready.
        ready_seconds: How long to wait for the server.
        seed: Seed of the arrival process; equal seeds give equal arrivals in every trial.

    Raises:
        ConfigError: a value breaks its rule.
    """

    url: str
    protocol: str
    model: str
    payload: bytes | None
    slo_ms: float
    slo_percentile: float
    profile: Profile
    max_seconds: float
    ready_seconds: float
    seed: int

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--url must be http://HOST[:PORT][/PATH], but got {self.url!r}.")
        if self.protocol not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise ConfigError(f"--protocol must be one of {known}, but got {self.protocol!r}.")
        if self.protocol != "http" and not self.model:
            raise ConfigError(f"--model must be given with --protocol {self.protocol}.")
        if self.protocol == "v1-rest" and self.payload is None:
            raise ConfigError(
                "--payload must be given with --protocol v1-rest: V1 has no metadata."
            )
        if not 50 <= self.slo_percentile < 100:
            raise ConfigError(
                f"50 <= --slo-percentile < 100 must hold, but got {self.slo_percentile}."
            )
        for flag in ("slo_ms", "max_seconds", "ready_seconds"):
            value = getattr(self, flag)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(
                    f"--{flag.replace('_', '-')} must be a positive number, but got {value}."
                )
        if self.seed < 0:
            raise ConfigError(f"--seed must be at least 0, but got {self.seed}.")

    @property
    def slo(self) -> Slo:
        """The SLO as the search uses it."""
        return Slo(latency_seconds=self.slo_ms / 1000, percentile=self.slo_percentile)

    @property
    def overdue_seconds(self) -> float:
        """Age at which a request without an answer has missed the SLO."""
        return min(self.slo.latency_seconds, self.timeout_seconds)

    @property
    def timeout_seconds(self) -> float:
        """When a request without an answer counts as failed, and the latency it then gets."""
        return min(60.0, max(5.0, 10 * self.slo.latency_seconds))
