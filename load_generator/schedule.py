"""Send times of an open loop: a seeded Poisson process on an absolute schedule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Far from the seeds of the probes.
_OTHER_STREAM = 500_000_000


def poisson_send_times(rate_rps: float, num_requests: int, seed: int) -> NDArray[np.float64]:
    """Draws the send times of a Poisson process.

    The gaps are unit exponentials of the seed, divided by the rate: two probes with one seed see
    the same arrivals at different speeds, so that configurations are compared under common random
    numbers. The times are offsets from the start: a late sender is late, the schedule never moves.

    Args:
        rate_rps: Mean arrival rate, requests a second.
        num_requests: How many send times to draw.
        seed: Seed of the generator.

    Returns:
        Increasing offsets in seconds, shape ``[num_requests]``.
    """
    gaps = np.random.default_rng(seed).standard_exponential(num_requests)
    return np.cumsum(gaps) / rate_rps


@dataclass(frozen=True)
class Opening:
    """What is sent before the requests that count, so that these find the server at work.

    Attributes:
        seconds: Of ordinary arrivals, which occupy the server's slots.
        num_queued: Requests sent at once after them, which make a queue.
    """

    seconds: float = 0.0
    num_queued: int = 0


def probe_send_times(
    rate_rps: float, seconds: float, opening: Opening, seed: int
) -> NDArray[np.float64]:
    """Draws the send times of a probe.

    Args:
        rate_rps: Mean arrival rate, requests a second.
        seconds: For how long.
        opening: What comes before.
        seed: Seed of the generator.

    Returns:
        Ascending offsets in seconds, shape ``[n]``: those of ordinary requests of the opening are
        below 0, those of the queue 0, those that count above 0.
    """
    num_before = round(rate_rps * opening.seconds)
    before = poisson_send_times(rate_rps, num_before, seed + _OTHER_STREAM)
    counted = poisson_send_times(rate_rps, max(1, round(rate_rps * seconds)), seed)
    return np.concatenate([-before[::-1], np.zeros(opening.num_queued), counted])
