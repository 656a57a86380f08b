from dataclasses import replace

import numpy as np
import pytest

from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.report import comparisons, grouped, lead_line, sections, table
from benchmarks.search_cost.results import Key, Record
from benchmarks.search_cost.suites import Condition
from benchmarks.search_cost.summary import quantile, smallest_lead, summarise


def record(method: str, case: str, hit: int | None, seed: int = 0, cap: int = 100) -> Record:
    """Half of the optimum with the first sample, all of it with sample ``hit``."""
    improvements = ((1, 0.5),) if hit is None else ((1, 0.5), (hit, 1.0))
    length = cap if hit is None else hit
    return Record(
        key=Key("production/1", case, method, Setup(seed=seed, cap=cap)),
        samples=tuple(range(length)),
        improvements=improvements,
        num_suggestions=length,
        cpu_seconds=0.002 * length,
        wall_seconds=0.004 * length,
    )


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([3, 1, 2], 0.5, 2),
        ([4, 1, 2, 3], 0.5, 2.5),
        ([1, 2, 3, np.inf], 0.5, 2.5),
        ([1, 2, np.inf, np.inf], 0.5, np.inf),
        ([1, 2, np.inf], 0.5, 2),
        ([*range(1, 12)], 0.9, 10),
        ([*range(1, 11), np.inf], 0.9, 10),
        ([*range(1, 10), np.inf], 0.9, np.inf),
        ([7], 0.9, 7),
    ],
)
def test_quantile(values, share, expected):
    assert quantile(np.array(values, dtype=float), share) == pytest.approx(expected)


def test_summary_of_known_runs():
    runs = [record("gp", f"c{n}", hit) for n, hit in enumerate((4, 6, 8, None))]
    summary = summarise("gp", runs, cap=100)
    assert summary.num_runs == 4
    assert summary.num_unsolved == 1
    assert summary.samples[0].median == 7
    assert summary.samples[0].maximum == np.inf
    assert summary.samples[0] == summary.samples[3]
    assert summary.best[[2, 3, 7, 99]] == pytest.approx([0.5, 0.625, 0.875, 0.875])
    assert summary.milliseconds == pytest.approx(2.0)


def test_a_lower_cap_makes_late_runs_unsolved():
    runs = [record("gp", "a", 4), record("gp", "b", 60)]
    assert summarise("gp", runs, cap=50).num_unsolved == 1
    assert summarise("gp", runs, cap=60).num_unsolved == 0


def test_vizier_is_timed_by_the_wall():
    assert summarise("vizier", [record("vizier", "a", 4)], 100).milliseconds == pytest.approx(4.0)


def test_methods_are_compared_on_the_same_runs():
    records = [record("gp", case, 5) for case in "abcd"]
    records += [record("random", case, None) for case in "abcd"]
    records += [record("skopt", case, 30, cap=60) for case in "ac"]
    ((_, methods),) = grouped(records).items()
    everything, part = comparisons(methods)
    assert [summary.method for summary in everything.summaries] == ["gp", "random"]
    assert (everything.num_cases, everything.cap) == (4, 100)
    assert [summary.method for summary in part.summaries] == ["gp", "skopt", "random"]
    assert (part.num_cases, part.cap) == (2, 60)
    assert {summary.num_runs for summary in part.summaries} == {2}


def test_table_marks_the_unsolved():
    records = [record("gp", "a", 5), record("gp", "b", 7), record("gp", "c", None)]
    ((_, methods),) = grouped(records).items()
    text = table(next(comparisons(methods)))
    assert "3 services, 1 seed(s), at most 100 samples:" in text
    row = next(line for line in text.splitlines() if line.startswith("| gp"))
    assert row.startswith("| gp | 3 | 7 / >100 / >100 |")
    assert "| 1 | 0.667 |" in row


def test_smallest_lead_over_the_budgets():
    ours = summarise("default", [record("default", "a", 10)], 100)
    other = summarise("portfolio", [record("portfolio", "a", 20)], 100)
    assert smallest_lead(ours, other) == (0.0, 5)
    assert smallest_lead(other, ours) == (-0.5, 10)


def test_lead_line_needs_both():
    ((_, methods),) = grouped([record("gp", "a", 5)]).items()
    assert lead_line(next(comparisons(methods))) == ""
    both = [record("default", "a", 3), record("portfolio", "a", None)]
    ((_, methods),) = grouped(both).items()
    line = lead_line(next(comparisons(methods)))
    assert "is never behind `portfolio`" in line
    assert "after 5 samples, 0.500 apart" in line
    worse = [record("default", "a", None), record("portfolio", "a", 7)]
    ((_, methods),) = grouped(worse).items()
    assert "it is behind by 0.500 after 7 samples" in lead_line(next(comparisons(methods)))


def test_sections_follow_the_suites():
    setups = [Setup(start="corners"), Setup(noise=0.03), Setup()]
    records = [
        replace(record("gp", "a", 5), key=Key(suite, "a", "gp", setup))
        for suite in ("production/1", "open-source/1")
        for setup in setups
    ]
    found = [(group.suite, group.condition) for group, _ in sections(records)]
    plain, noisy, given = Condition(0.0), Condition(0.03), Condition(0.0, start="corners")
    assert found == [
        (suite, condition)
        for suite in ("open-source/1", "production/1")
        for condition in (plain, noisy, given)
    ]
