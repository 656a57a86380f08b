import math

import numpy as np
import pytest

from benchmarks.load_generator.batch_queue import BatchQueue, true_peak_rps


def test_batches_by_hand() -> None:
    # A batch of n takes 10 + n; up to 3 in a batch; a request waits for others for at most 2.
    queue = BatchQueue(1, base_seconds=10, request_seconds=1, max_batch=3, delay_seconds=2)
    arrivals = np.array([0.0, 1.0, 5.0, 6.0, 7.0, 8.0, 40.0, 40.5, 41.0])
    # 0 and 1 start together when the delay of the first is over: 2, done at 14. Then 5, 6 and 7
    # wait: 14 to 27. Then 8 alone: 27 to 38. Three fill a batch before the delay is over: 41 to 54.
    done = np.array([14.0, 14, 27, 27, 27, 38, 54, 54, 54])
    np.testing.assert_allclose(queue.latencies(arrivals), done - arrivals)


def test_engines_share_the_queue() -> None:
    queue = BatchQueue(2, base_seconds=10)
    done = np.array([10.0, 11, 20, 21, 30])
    arrivals = np.array([0.0, 1, 2, 3, 4])
    np.testing.assert_allclose(queue.latencies(arrivals), done - arrivals)


@pytest.mark.parametrize("engines", [1, 3])
def test_single_requests_take_the_first_free_engine(engines: int) -> None:
    arrivals = np.cumsum(np.random.default_rng(1).standard_exponential(2000)) / engines
    single = BatchQueue(engines, base_seconds=0.8)
    free, done = [0.0] * engines, []
    for arrival in arrivals:
        free.sort()
        free[0] = max(free[0], arrival) + 0.8
        done.append(free[0])
    np.testing.assert_allclose(single.latencies(arrivals), np.array(done) - arrivals)


def test_peak_of_one_server_is_that_of_theory() -> None:
    # Erlang's formula for the wait in M/D/1 (Erlang 1909): at the peak, 1 % wait longer than 9
    # service times, so that their latency exceeds 10.
    def share_waiting_longer(time: float, load: float) -> float:
        terms = (
            (-load * (time - k)) ** k / math.factorial(k) * math.exp(load * (time - k))
            for k in range(int(time) + 1)
        )
        return 1 - (1 - load) * math.fsum(terms)

    peak = true_peak_rps(BatchQueue(1, base_seconds=1.0), 10.0)
    assert share_waiting_longer(9, peak) == pytest.approx(0.01, rel=0.05)


def test_scaling_time_scales_the_capacity() -> None:
    queue = BatchQueue(2, base_seconds=30, request_seconds=1, max_batch=10, delay_seconds=5)
    assert queue.capacity_rps == pytest.approx(0.5)
    assert queue.scaled(0.01).capacity_rps == pytest.approx(50)
