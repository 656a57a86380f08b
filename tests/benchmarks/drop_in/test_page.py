"""Figures that are known beforehand, from runs that are made up."""

from pathlib import Path

import pytest

from benchmarks.drop_in.page import write_page
from benchmarks.drop_in.plan import BUDGET, NAMES, Scope, plan
from benchmarks.drop_in.results import Key, Record, append, records
from benchmarks.drop_in.search import Run
from benchmarks.drop_in.suites import PARALLEL, TEST
from benchmarks.drop_in.summary import comparisons, milliseconds


def record(method: str, regret: float, problem: str = "f8 3-D", instance: int = 1) -> Record:
    run = Run((1.0,) * (BUDGET - 1) + (regret,), cpu_seconds=0.5, num_proposals=BUDGET)
    return Record(Key(problem, instance, method, 0, 1), run)


def test_medians_ranks_and_ratios():
    regrets = {"morphling": (0.1, 0.2, 0.9), "skopt": (0.2, 0.1, 0.4), "random": (0.3, 0.3, 0.3)}
    found = [
        record(method, regret, instance=instance)
        for method, values in regrets.items()
        for instance, regret in enumerate(values)
    ]
    # A run that only one method has is left out.
    (comparison,) = comparisons([*found, record("skopt", 0.0, instance=9)])
    assert comparison.num_runs == 3
    assert [comparison.median(m) for m in regrets] == [0.2, 0.2, 0.3]
    assert comparison.median("skopt", 10) == 1
    assert [comparison.mean_rank(m) for m in regrets] == pytest.approx([2, 5 / 3, 7 / 3])
    assert comparison.ratio(["skopt", "random"]) == pytest.approx(1.0)
    assert milliseconds(found)["skopt"] == pytest.approx(10)


def test_negligible_regrets_are_equal():
    found = [record("morphling", 1e-9), record("tpe", 1e-5)]
    (comparison,) = comparisons(found)
    assert comparison.ratio(["tpe"]) == 1
    assert comparison.mean_rank("tpe") == 1.5


def test_the_page_says_who_wins_and_where_not(tmp_path: Path):
    found = [
        record(method, regret, problem)
        for problem, regrets in {"f8 3-D": (0.1, 0.4), "f3 2-D": (0.3, 0.2)}.items()
        for method, regret in zip(("morphling", "skopt"), regrets, strict=True)
    ]
    text = write_page(found, "test", tmp_path).read_text()
    assert "on 1 of 2 problems; behind it on f3 2-D (1.50)" in text
    assert "at worst 1.50 times as large (f3 2-D)" in text
    assert "| f8 3-D | 1 | 10 |" in text
    assert (tmp_path / "regret.png").stat().st_size > 10_000


def test_stored_runs_come_back_and_a_cut_line_does_not(tmp_path: Path):
    path = tmp_path / "folder" / "runs.jsonl"
    stored = [record("tpe", 0.25), record("random", 0.5)]
    for one in stored:
        append(path, one)
    with path.open("a") as file:
        file.write('{"problem": "f8')
    assert list(records(path)) == stored


def test_every_run_is_planned_once_and_a_part_is_balanced():
    keys = list(plan(Scope()))
    sequential = len(TEST) * 10 * 3 * len(NAMES)
    assert len(set(keys)) == len(keys) == sequential + len(PARALLEL) * 10 * len(NAMES)
    first = keys[: len(TEST) * len(NAMES)]
    assert {key.problem for key in first} == {problem.name for problem in TEST}
    assert {(key.instance, key.seed) for key in first} == {(1, 0)}
