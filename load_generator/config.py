"""What to test and how thoroughly: values that check themselves once."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from load_generator.errors import ConfigError
from load_generator.payload import Payloads
from load_generator.profile import Profile
from load_generator.prompts import Prompts
from load_generator.slo import Slo

OPENAI_PROTOCOLS = ("openai-completions", "openai-chat")
PROTOCOLS = ("v2-rest", "v2-rest-binary", "v2-grpc", "v1-rest", *OPENAI_PROTOCOLS, "http")

_HEADER_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")


@dataclass(frozen=True, kw_only=True)
class LoadTestConfig:
    """One load test.

    Attributes:
        url: Address of the model server, ``http://host:port`` with an optional path; for v2-grpc
            ``grpc://host:port``. With https and grpcs, TLS.
        protocol: One of ``PROTOCOLS``.
        model: Name of the served model; empty only for plain HTTP.
        payloads: Request bodies; None asks for some made from the model's metadata (v2) or, with
            plain HTTP, for GETs.
        batch: Instances in a request that is made from metadata.
        headers: Sent with every request.
        ca_certificate: PEM of the authorities to trust with TLS; None means the usual ones.
        prompts: What to ask a language model; needed by the protocols of OpenAI, and only there.
        openai_base_path: Stands before the paths of OpenAI's API.
        ignore_eos: Whether to ask for answers of exactly the drawn length.
        slo: What requests must meet.
        profile: Precision.
        max_seconds: Hard limit of the test's duration after the server is ready.
        ready_seconds: How long to wait for the server.
        seed: Seed of the arrival process; equal seeds give equal arrivals in every trial.
        processes: How many processes send requests.

    Raises:
        ConfigError: a value breaks its rule.
    """

    url: str
    protocol: str
    model: str
    payloads: Payloads | None
    batch: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_certificate: bytes | None = None
    prompts: Prompts | None = None
    openai_base_path: str = "/v1"
    ignore_eos: bool = True
    slo: Slo
    profile: Profile
    max_seconds: float
    ready_seconds: float
    seed: int
    processes: int = 1

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise ConfigError(f"--protocol must be one of {known}, but got {self.protocol!r}.")
        _check_url(self.url, self.protocol)
        if self.protocol != "http" and not self.model:
            raise ConfigError(f"--model must be given with --protocol {self.protocol}.")
        if self.protocol == "v1-rest" and self.payloads is None:
            raise ConfigError(
                "--payload must be given with --protocol v1-rest: V1 has no metadata."
            )
        if (self.protocol in OPENAI_PROTOCOLS) != (self.prompts is not None):
            raise ConfigError(f"Prompts belong to {', '.join(OPENAI_PROTOCOLS)}, and only there.")
        _check_slo(self.slo)
        for name, value in self.headers.items():
            _check_header(name, value, is_grpc=self.protocol == "v2-grpc")
        for flag in ("max_seconds", "ready_seconds"):
            _check_positive(flag, getattr(self, flag))
        for flag, least in (("batch", 1), ("seed", 0), ("processes", 1)):
            if getattr(self, flag) < least:
                raise ConfigError(
                    f"--{flag} must be at least {least}, but got {getattr(self, flag)}."
                )

    @property
    def overdue_seconds(self) -> float:
        """Age at which a request without an answer has missed the SLO."""
        return min(self.slo.latency_seconds, self.timeout_seconds)

    @property
    def timeout_seconds(self) -> float:
        """When a request without an answer counts as failed, and the latency it then gets."""
        if math.isinf(self.slo.latency_seconds):
            return 120.0
        return max(5.0, min(60.0, 10 * self.slo.latency_seconds), 2 * self.slo.latency_seconds)


def _check_url(url: str, protocol: str) -> None:
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None
    except ValueError:
        parts, has_port = SplitResult("", "", "", "", ""), False
    if protocol == "v2-grpc":
        if parts.scheme not in ("grpc", "grpcs") or not has_port or not parts.hostname:
            raise ConfigError(
                "--url must be grpc://HOST:PORT or grpcs://HOST:PORT with --protocol v2-grpc, "
                f"but got {url!r}."
            )
        if parts.path.strip("/") or parts.query:
            raise ConfigError(f"--url must have no path with --protocol v2-grpc, but got {url!r}.")
    elif parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--url must be http://HOST[:PORT][/PATH], but got {url!r}.")


def _check_slo(slo: Slo) -> None:
    if not 50 <= slo.percentile < 100:
        raise ConfigError(f"50 <= --slo-percentile < 100 must hold, but got {slo.percentile}.")
    bounds = {
        "slo-ms": slo.latency_seconds,
        "slo-ttft-ms": slo.ttft_seconds,
        "slo-tpot-ms": slo.tpot_seconds,
    }
    for flag, seconds in bounds.items():
        if math.isnan(seconds) or seconds <= 0:
            raise ConfigError(f"--{flag} must be a positive number, but got {seconds * 1000:g}.")
    if all(map(math.isinf, bounds.values())):
        raise ConfigError("--slo-ms must be given, or --slo-ttft-ms or --slo-tpot-ms.")


def _check_positive(flag: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"--{flag.replace('_', '-')} must be a positive number, but got {value}.")


def _check_header(name: str, value: str, *, is_grpc: bool) -> None:
    is_reserved = is_grpc and (name.lower().startswith("grpc-") or name.lower().endswith("-bin"))
    if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or is_reserved:
        raise ConfigError(
            "--header must be NAME:VALUE with a name of letters, digits, '-', '_' and '.', and "
            f"printable ASCII, but got {name!r}."
        )
