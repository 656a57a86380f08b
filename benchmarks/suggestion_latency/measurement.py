"""What is measured of a service, and its line of the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_HEADS = (
    "service",
    "start to SERVING, s",
    "first answer, ms",
    "calls",
    "p50, ms",
    "p99, ms",
    "memory, MiB",
    "120,000 configurations: median, ms",
    "slowest, ms",
    "memory then, MiB",
)


@dataclass(frozen=True)
class Measurement:
    """One service.

    Attributes:
        name: Name in the table.
        start_seconds: From the start of the process until it says that it serves; None where the
            service has no process of its own.
        first_seconds: The first call after that.
        call_seconds: Calls on 720 configurations with 100 trials.
        large_call_seconds: Calls on 120,000 configurations with 100 trials.
        small_mib: Resident memory after the former.
        large_mib: Resident memory after the latter.
    """

    name: str
    start_seconds: float | None
    first_seconds: float
    call_seconds: Sequence[float]
    large_call_seconds: Sequence[float]
    small_mib: float
    large_mib: float


def resident_mib(process_id: int) -> float:
    """Resident memory of a process in MiB."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"A running process must have VmRSS, but {process_id} has none.")


def table(measurements: Sequence[Measurement]) -> str:
    """The measurements as a Markdown table."""
    lines = [" | ".join(_HEADS), " | ".join(["---", *["---:"] * (len(_HEADS) - 1)])]
    lines += [" | ".join(_cells(measurement)) for measurement in measurements]
    return "\n".join(f"| {line} |" for line in lines)


def _cells(measured: Measurement) -> list[str]:
    calls, large = (
        1000 * np.array(measured.call_seconds),
        1000 * np.array(measured.large_call_seconds),
    )
    start = "-" if measured.start_seconds is None else f"{measured.start_seconds:.2f}"
    return [
        measured.name,
        start,
        f"{1000 * measured.first_seconds:.0f}",
        str(len(calls)),
        f"{np.median(calls):.0f}",
        # The smallest call that 99 % do not exceed: no interpolation towards a slower one.
        f"{np.quantile(calls, 0.99, method='inverted_cdf'):.0f}",
        f"{measured.small_mib:.0f}",
        f"{np.median(large):.0f}",
        f"{large.max():.0f}",
        f"{measured.large_mib:.0f}",
    ]
