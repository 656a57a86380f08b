"""What a search for the peak has found."""

from dataclasses import dataclass

from load_generator.sample import Sample


class InfeasibleError(Exception):
    """No rate meets the SLO; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Outcome of a search. ``decisive`` is the sample at the peak; None when infeasible."""

    peak_rps: float
    low_rps: float
    high_rps: float
    is_feasible: bool
    reason: str
    is_client_limited: bool
    saturation_rps: float | None
    decisive: Sample | None


def not_found(
    reason: str, is_client_limited: bool = False, saturation_rps: float | None = None
) -> Finding:
    """No rate is known to meet the SLO.

    Args:
        reason: Why, in a sentence; what it quotes of a server's answer may have line breaks.
        is_client_limited: Whether that may be the client's fault.
        saturation_rps: The capacity, as far as it was measured.
    """
    return Finding(
        peak_rps=0.0,
        low_rps=0.0,
        high_rps=0.0,
        is_feasible=False,
        reason=" ".join(reason.split()),
        is_client_limited=is_client_limited,
        saturation_rps=saturation_rps,
        decisive=None,
    )
