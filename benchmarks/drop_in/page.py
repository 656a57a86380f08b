"""The page of the benchmark: tables, verdicts and plots."""

import datetime
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.drop_in.plan import BUDGET
from benchmarks.drop_in.results import Record
from benchmarks.drop_in.suites import DEVELOPMENT, FIRST_INSTANCE, TEST
from benchmarks.drop_in.summary import (
    BUILT_IN,
    NEGLIGIBLE,
    OURS,
    Comparison,
    comparisons,
    milliseconds,
)

_BUDGETS = (10, 20, 30, BUDGET)
_PACKAGES = ("ioh", "scikit-optimize", "optuna", "hyperopt", "numpy", "scipy")
_NOTES = f"""\
Functions of the BBOB suite as an Experiment of {BUDGET} trials meets them, to be minimised;
"mixed" ones have `int`, `discrete` and `categorical` parameters beside `double`. *Regret* is the
distance of the best value so far from the optimum, over that of a random configuration (median of
1,000); the tables show its median over runs, each a pair of instance and seed. Below {NEGLIGIBLE:g}
it counts as {NEGLIGIBLE:g}.

Methods: `{OURS}` is this project's service over gRPC, without any setting but the seed; `skopt` is
Katib's `bayesianoptimization` (scikit-optimize as Katib's service uses it, with uniform `double`s);
`tpe` is Optuna's multivariate TPE; `hyperopt` is hyperopt's TPE; `random` draws uniformly.
"""


def write_page(records: Sequence[Record], suite: str, folder: Path) -> Path:
    """Writes ``README.md`` and its plot.

    Args:
        records: Finished runs, at least one.
        suite: ``test`` or ``development``.
        folder: Where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = comparisons(records)
    sequential = [c for c in found if c.parallel == 1]
    parts = ["# General black-box functions", _where(), _NOTES, _split(suite)]
    if sequential:
        parts += [_verdict(sequential), _table(sequential), _times(records)]
        _figure(sequential).savefig(folder / "regret.png", dpi=110, metadata={"Software": None})
        parts.append("![Regret against trials, by problem](regret.png)")
    for count in sorted({c.parallel for c in found} - {1}):
        together = [c for c in found if c.parallel == count]
        parts += [f"## {count} trials at a time", _table(together)]
    page = folder / "README.md"
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n")
    return page


def _where() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores, {platform.machine()}, "
        f"{platform.system()}; Python {platform.python_version()}, {packages}."
    )


def _split(suite: str) -> str:
    names = [", ".join(problem.name for problem in problems) for problems in (TEST, DEVELOPMENT)]
    return (
        f"These are the {suite} problems. The split was drawn before any result: {names[0]} on "
        f"instances from {FIRST_INSTANCE['test']} are for the test; our search was developed on "
        f"{names[1]}, on instances from {FIRST_INSTANCE['development']}."
    )


def _verdict(found: Sequence[Comparison]) -> str:
    methods = list(found[0].curves)
    ranks = {
        name: float(np.median([c.mean_rank(name) for c in found if name in c.curves]))
        for name in methods
    }
    lines = ["Mean rank after all trials, median over the problems: "
             + ", ".join(f"`{name}` {rank:.2f}" for name, rank in ranks.items()) + "."]  # fmt: skip
    ours = [c for c in found if OURS in c.curves and c.peers]
    if ours:
        good = [c for c in ours if c.ratio(c.peers) <= 1]
        lost = [f"{c.problem} ({c.ratio(c.peers):.2f})" for c in ours if c.ratio(c.peers) > 1]
        lines.append(
            f"Our median regret is at most that of the best peer on {len(good)} of {len(ours)} "
            f"problems; behind it on {', '.join(lost) or 'none'} (our regret over the peer's)."
        )
    against = [c for c in ours if BUILT_IN in c.curves]
    if against:
        worst = max(against, key=lambda c: c.ratio([BUILT_IN]))
        lines.append(
            f"Against the built-in it is at worst {worst.ratio([BUILT_IN]):.2f} times as large "
            f"({worst.problem})."
        )
    return " ".join(lines)


def _table(found: Sequence[Comparison]) -> str:
    methods = list(found[0].curves)
    heads = ["problem", "runs", "trials", *methods]
    lines = [heads, ["---", "---:", "---:", *["---:"] * len(methods)]]
    for comparison in found:
        for budget in _BUDGETS:
            is_first = budget == _BUDGETS[0]
            lines.append(
                [
                    comparison.problem if is_first else "",
                    str(comparison.num_runs) if is_first else "",
                    str(budget),
                    *_cells(comparison, methods, budget),
                ]
            )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(comparison: Comparison, methods: Sequence[str], budget: int) -> list[str]:
    values = {
        name: comparison.median(name, budget) for name in methods if name in comparison.curves
    }
    best = min(values.values())
    texts = {name: f"{value:.2g}" for name, value in values.items()}
    return [
        "-" if name not in values else f"**{texts[name]}**" if values[name] == best else texts[name]
        for name in methods
    ]


def _times(records: Sequence[Record]) -> str:
    times = milliseconds(records)
    return "CPU time a suggestion, ms: " + ", ".join(f"`{n}` {t:.1f}" for n, t in times.items())


def _figure(found: Sequence[Comparison]) -> Figure:
    columns = 3
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(4 * columns, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(found) :]:
        axis.set_visible(False)
    for axis, comparison in zip(axes, found, strict=False):
        for number, (name, curves) in enumerate(comparison.curves.items()):
            trials = np.arange(1, curves.shape[1] + 1)
            middle = np.maximum(np.median(curves, axis=0), NEGLIGIBLE)
            axis.plot(trials, middle, label=name, color=f"C{number}", lw=2 if name == OURS else 1)
        axis.set_yscale("log")
        axis.set_title(comparison.problem, fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.supxlabel("trials")
    figure.supylabel("median normalised regret")
    return figure
