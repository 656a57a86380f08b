"""What is measured again in a space where everything has been measured."""

import random
import statistics
from collections import Counter, defaultdict

from suggestion.evidence import evidence_of
from suggestion.repeats import best_again
from suggestion.trial import Direction, Trial, TrialState
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import space

TINY = space(parameter("x", "INT", low="1", high="3"))


def again(*measured: tuple[int, float], pending: tuple[int, ...] = (), count: int = 1) -> list[int]:
    trials = [
        Trial(f"t{n}", {"x": str(x)}, TrialState.MEASURED, value)
        for n, (x, value) in enumerate(measured)
    ] + [Trial(f"p{n}", {"x": str(x)}, TrialState.PENDING) for n, x in enumerate(pending)]
    evidence = evidence_of(TINY, trials, Direction.MAXIMIZE)
    return [int(TINY.assignments_of(p)["x"]) for p in best_again(TINY, evidence, count, 0)]


def test_near_ties_share_the_repeats_and_clear_losers_get_none():
    assert again((1, 5.0), (2, 9.0), (3, 8.9), count=3) == [2, 3, 2]


def test_pending_repeats_count():
    assert again((1, 5.0), (2, 9.0), (3, 8.9), pending=(2,)) == [3]


def test_a_lucky_value_is_left_behind():
    # 2 measured 9 once and 5 after that, 3 measured 8 and 8: its mean is higher.
    assert again((1, 2.0), (2, 9.0), (3, 8.0), (2, 5.0), (3, 8.0)) == [3]


def test_without_a_value_any_point_will_do():
    assert again(pending=(1, 2, 3), count=2) == again(count=2)


def test_repeats_find_the_better_of_two_that_the_noise_hides():
    noisy = random.Random(3)
    means = {1: 10.0, 2: 10.3, 3: 5.0}
    measured = [(x, noisy.gauss(mean, 0.5)) for x, mean in means.items()]
    for _ in range(40):
        (x,) = again(*measured)
        measured.append((x, noisy.gauss(means[x], 0.5)))
    times = Counter(x for x, _ in measured)
    assert times[3] <= 2
    assert min(times[1], times[2]) >= 5
    values = defaultdict(list)
    for x, value in measured:
        values[x].append(value)
    assert max(values, key=lambda x: statistics.mean(values[x])) == 2
