"""What is known of the requests of one stretch of load, and when one of them is given up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from load_generator.answer import Answer
from load_generator.slo import Slo


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a request, and a stretch of load, is given up.

    Attributes:
        slo: What each request must meet.
        timeout_seconds: Latency that a failed request gets.
    """

    slo: Slo
    timeout_seconds: float

    @property
    def overdue_seconds(self) -> float:
        """Age at which an open request has missed the SLO for certain."""
        return min(self.slo.latency_seconds, self.timeout_seconds)

    def patience_seconds(self, seconds_left: float) -> float:
        """How long a closed loop waits for its last answers, given what is left of the test."""
        return max(0.1, min(self.timeout_seconds, seconds_left))

    @property
    def drain_seconds(self) -> float:
        """How long to wait for open requests after the last was sent."""
        return min(self.timeout_seconds, max(1.0, 3 * self.slo.latency_seconds))


@dataclass(frozen=True, slots=True)
class Counts:
    """How a stretch of load stands: numbers of requests, and the latencies so far."""

    seconds: float
    num_sent: int
    num_open: int
    num_done: int
    num_violations: int
    p99_seconds: float | None

    def joined(self, other: "Counts") -> "Counts":
        """Of two processes together; the percentile is the larger of the two."""
        known = [one for one in (self.p99_seconds, other.p99_seconds) if one is not None]
        return Counts(
            seconds=max(self.seconds, other.seconds),
            num_sent=self.num_sent + other.num_sent,
            num_open=self.num_open + other.num_open,
            num_done=self.num_done + other.num_done,
            num_violations=self.num_violations + other.num_violations,
            p99_seconds=max(known, default=None),
        )


class Records:
    """Everything that is known of the requests of one stretch of load, by their index.

    Args:
        num_requests: How many there will be at most.
    """

    def __init__(self, num_requests: int) -> None:
        self.latency_seconds = np.full(num_requests, np.nan)
        self.ttft_seconds = np.full(num_requests, np.nan)
        self.tpot_seconds = np.full(num_requests, np.nan)
        self.is_error = np.zeros(num_requests, dtype=np.bool_)
        self.output_tokens = 0
        self.last_error = ""

    def add(self, index: int, latency: float, wait: float, answer: Answer, timeout: float) -> None:
        """Notes an answer.

        Args:
            index: Of the request.
            latency: Seconds from the scheduled instant to the full answer.
            wait: Seconds from the scheduled instant until it was sent.
            answer: What the client saw.
            timeout: Least latency of a failed request.
        """
        if answer.error:
            self.last_error = answer.error
            self.is_error[index] = True
            latency = max(latency, timeout)
        else:
            self.ttft_seconds[index] = wait + answer.ttft_seconds
            self.tpot_seconds[index] = answer.tpot_seconds
            self.output_tokens += answer.output_tokens
        self.latency_seconds[index] = latency

    def is_missed(self, slo: Slo) -> NDArray[np.bool_]:
        """Whether each request is known to have missed the SLO, shape ``[num_requests]``."""
        times = self.latency_seconds, self.ttft_seconds, self.tpot_seconds
        return self.is_error | slo.is_missed(*times)

    def counts(self, slo: Slo, seconds: float, num_sent: int, num_open: int) -> Counts:
        """Sums up.

        Args:
            slo: What requests must meet.
            seconds: Since the start.
            num_sent: Requests sent.
            num_open: Of these, those without an answer.
        """
        latencies = self.latency_seconds[:num_sent]
        latencies = latencies[~np.isnan(latencies)]
        return Counts(
            seconds=seconds,
            num_sent=num_sent,
            num_open=num_open,
            num_done=len(latencies),
            num_violations=int(self.is_missed(slo).sum()),
            p99_seconds=float(np.percentile(latencies, 99)) if len(latencies) else None,
        )
