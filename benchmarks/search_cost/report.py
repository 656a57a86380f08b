"""Tables of a benchmark in Markdown."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.search_cost.methods.registry import NAMES
from benchmarks.search_cost.results import Record
from benchmarks.search_cost.run import TIE
from benchmarks.search_cost.suites import SUITES, Condition
from benchmarks.search_cost.summary import (
    BUDGETS,
    SHARES,
    Spread,
    Summary,
    smallest_lead,
    summarise,
)

_Runs = Mapping[tuple[str, int], Record]  # by case and seed


class Group(NamedTuple):
    """Runs that are compared with each other: a suite under a condition."""

    suite: str
    condition: Condition


class Comparison(NamedTuple):
    """Methods on exactly the same cases and seeds, to the same cap."""

    num_cases: int
    num_seeds: int
    cap: int
    summaries: tuple[Summary, ...]


def grouped(records: Iterable[Record]) -> dict[Group, dict[str, dict[tuple[str, int], Record]]]:
    """Records by group, then method, then case and seed; of two caps the larger counts."""
    groups: dict[Group, dict[str, dict[tuple[str, int], Record]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for record in sorted(records, key=lambda r: r.key.setup.cap):
        suite, case, method, setup = record.key
        condition = Condition(setup.noise, setup.infeasible, setup.start)
        groups[Group(suite, condition)][method][case, setup.seed] = record
    return groups


def comparisons(methods: Mapping[str, _Runs]) -> Iterator[Comparison]:
    """The methods that ran on everything; then, for methods that ran on less, all on that part.

    Args:
        methods: Runs of one group by method.
    """
    terms: dict[tuple[frozenset[tuple[str, int]], int], list[str]] = defaultdict(list)
    for method, runs in methods.items():
        cap = min(record.key.setup.cap for record in runs.values())
        terms[frozenset(runs), cap].append(method)
    for cases, cap in sorted(terms, key=lambda term: (-len(term[0]), -term[1])):
        summaries = [
            summarise(name, [methods[name][key] for key in sorted(cases)], cap)
            for name in NAMES
            if name in methods and _covers(methods[name], cases, cap)
        ]
        num_seeds = len({seed for _, seed in cases})
        yield Comparison(len({case for case, _ in cases}), num_seeds, cap, tuple(summaries))


def _covers(runs: _Runs, cases: frozenset[tuple[str, int]], cap: int) -> bool:
    return cases <= runs.keys() and all(runs[key].key.setup.cap >= cap for key in cases)


def table(comparison: Comparison) -> str:
    """A comparison as a Markdown table with a line that says what was run."""
    cap = comparison.cap
    budgets = [budget for budget in BUDGETS if budget <= cap]
    heads = ["method", "runs", *(_share_head(share) for share in SHARES), "unsolved"]
    heads += [f"best after {budget}" for budget in budgets] + ["ms a suggestion"]
    rows = [
        [
            summary.method,
            str(summary.num_runs),
            *(_spread(spread, cap) for spread in summary.samples),
            str(summary.num_unsolved),
            *(f"{summary.best[budget - 1]:.3f}" for budget in budgets),
            f"{summary.milliseconds:.1f}",
        ]
        for summary in comparison.summaries
    ]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    said = f"{comparison.num_cases} services, {comparison.num_seeds} seed(s), at most {cap} samples"
    return f"{said}:\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def lead_line(comparison: Comparison) -> str:
    """Says whether the default beats the static portfolio throughout; empty if not both ran."""
    by_name = {summary.method: summary for summary in comparison.summaries}
    if not {"default", "portfolio"} <= by_name.keys():
        return ""
    lead, budget = smallest_lead(by_name["default"], by_name["portfolio"])
    if lead < -TIE:
        return (
            f"From 5 to 60 samples `default` is not always ahead of `portfolio`: in mean best "
            f"share it is behind by {-lead:.3f} after {budget} samples."
        )
    return (
        "From 5 to 60 samples `default` is never behind `portfolio` in mean best share; the two "
        f"are closest after {budget} samples, {lead:.3f} apart."
    )


def _share_head(share: float) -> str:
    return "optimum" if share == 1 else f"{share:.0%}"


def _spread(spread: Spread, cap: int) -> str:
    return " / ".join(_number(v, cap) for v in (spread.median, spread.p90, spread.maximum))


def _number(value: float, cap: int) -> str:
    return f">{cap}" if math.isinf(value) else f"{value:.3g}"


def sections(records: Sequence[Record]) -> Iterator[tuple[Group, list[Comparison]]]:
    """Groups in the order of the suites and their conditions, each with its comparisons."""
    groups = grouped(records)
    for name, suite in SUITES.items():
        for group in (Group(name, condition) for condition in suite.conditions):
            if group in groups:
                yield group, list(comparisons(groups[group]))
