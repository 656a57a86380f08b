import pytest

from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.results import Key, Record
from benchmarks.wrong_prior.page import KNOWN, UNKNOWN, identical, paired


def record(suite, case, method, seed, count, samples=()):
    improvements = ((1, 0.5), (count, 1.0)) if count else ((1, 0.5),)
    key = Key(suite, case, method, Setup(seed, cap=100))
    return Record(key, samples, improvements, 1, 0.0, 0.0)


def test_pairs_are_functions_and_the_unsolved_count_as_the_cap():
    records = [
        record(KNOWN, "a", "library", 0, 20),
        record(KNOWN, "a", "library", 1, 30),
        record(KNOWN, "a", "gp", 0, 40),
        record(KNOWN, "a", "gp", 1, None),
        record(KNOWN, "b", "library", 0, 22),
        record(KNOWN, "b", "gp", 0, 17),
    ]
    # Means 25 against 70, and 22 against 17: the differences are -45 and +5.
    assert "are -20.0 on average" in paired(records)
    assert "fewer on 1 of 2 functions, more on 1." in paired(records)
    assert "-45.0 to +5.0" in paired(records)


@pytest.mark.parametrize(("last", "same"), [(3, 2), (4, 1)])
def test_identical_means_every_sample(last, same):
    records = [
        record(UNKNOWN, "a", "auto", 0, 2, (1, 2)),
        record(UNKNOWN, "a", "gp", 0, 2, (1, 2)),
        record(UNKNOWN, "b", "auto", 0, 2, (1, last)),
        record(UNKNOWN, "b", "gp", 0, 2, (1, 3)),
    ]
    assert identical(records).startswith(f"{same} of 2 runs of `auto`")
