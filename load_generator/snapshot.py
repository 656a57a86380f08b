"""What can be said of a load test while it runs."""

from dataclasses import dataclass

WAITING = "waiting"
PHASES = (WAITING, "warm_up", "idle", "saturation", "rate", "confirm", "done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One stretch of load, so far.

    Attributes:
        phase: One of ``PHASES``: the kind of the probe that runs, or ``waiting`` for the server.
        offered_rps: Mean arrival rate of the open loop; None in a closed loop or without load.
        seconds: Since the stretch began.
        num_sent: Requests sent.
        num_open: Of these, how many are in flight.
        num_done: Of these, how many were answered or failed.
        num_violations: Of those done, how many missed the SLO, errors included.
        p99_ms: 99th percentile of the latencies so far; None without an answer.
    """

    phase: str
    offered_rps: float | None = None
    seconds: float = 0.0
    num_sent: int = 0
    num_open: int = 0
    num_done: int = 0
    num_violations: int = 0
    p99_ms: float | None = None
