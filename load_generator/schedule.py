"""Send times of an open loop: a seeded Poisson process on an absolute schedule."""

import numpy as np
from numpy.typing import NDArray


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


def with_first(send_times: NDArray[np.float64], num_first: int) -> NDArray[np.float64]:
    """Puts requests that are due at 0 before the others, shape ``[num_first + n]``."""
    return np.concatenate([np.zeros(num_first), send_times])
