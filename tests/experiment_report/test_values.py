import pytest

from experiment_report import readable
from experiment_report.pareto import pareto_front
from experiment_report.table import to_csv
from tests.experiment_report.records import record, trial


def test_best_is_by_direction_and_the_first_of_equals():
    trials = (trial(1, 5.0), trial(2, 9.0), trial(3, 9.0), trial(4, None))
    assert record(*trials).best is trials[1]
    assert record(*trials, direction="minimize").best is trials[0]


def test_a_rate_of_zero_is_no_objective_but_a_minimized_zero_is():
    zero = trial(1, 0.0)
    assert record(zero).best is None
    assert record(zero, direction="minimize").best is zero


@pytest.mark.parametrize("condition", ["Failed", "Running", "Created", "MetricsUnavailable"])
def test_only_succeeded_trials_count(condition: str):
    assert record(trial(1, 5.0, condition=condition)).best is None


def test_not_a_number_is_no_objective():
    assert record(trial(1, float("nan")), trial(2, float("inf"))).best is None


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([], []),
        ([(1, 1)], [0]),
        ([(1, 1), (2, 2), (3, 1.5), (0.5, 0.2)], [3, 0, 1]),
        ([(1, 1), (1, 3), (1, 2)], [1]),  # equal cost: the highest rate
        ([(2, 3), (1, 3)], [1]),  # equal rate: the lowest cost
        ([(1, 1), (1, 1)], [0]),
    ],
)
def test_pareto_front(points: list[tuple[float, float]], front: list[int]):
    assert pareto_front(points) == front


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (3.0, "3"),
        (0.123456, "0.1235"),
        (1234.56, "1235"),
        (123.456, "123.5"),
        (12345678.0, "1.235e+07"),
        ("T4", "T4"),
    ],
)
def test_readable(value: object, text: str):
    assert readable(value) == text


def test_csv_is_complete_and_quoted():
    text = to_csv(record(trial(1, 5.0, message='a, "b"'), trial(2, None)))
    assert text.splitlines() == [
        "trial,condition,start_time,completion_time,batch,cores,delay,cost,peak_rps,"
        "server_start_seconds,load_test_seconds,message",
        "e-1,Succeeded,2026-01-02T03:04:01+00:00,2026-01-02T03:05:01+00:00,2,2,0.05,0.5,5.0,"
        '2.00,30.50,"a, ""b"""',
        "e-2,Failed,2026-01-02T03:04:02+00:00,2026-01-02T03:05:02+00:00,4,3,0.1,,,2.00,30.50,"
        "kserve-container ended with exit code 1: out of memory",
    ]
