"""What the runs of a benchmark come to: medians, ranks and ratios."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.drop_in.plan import BUDGET, NAMES
from benchmarks.drop_in.results import Record

OURS, BUILT_IN = "morphling", "skopt"
# Regrets below this share of a random configuration's count as none: no user would see them.
NEGLIGIBLE = 1e-4
_Curves = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """Methods on the same instances and seeds of one problem.

    Attributes:
        problem: Name of the problem.
        parallel: Trials at a time.
        curves: Normalised regret after 1 to ``BUDGET`` trials by method, shape ``[runs, BUDGET]``.
    """

    problem: str
    parallel: int
    curves: _Curves

    @property
    def num_runs(self) -> int:
        return len(next(iter(self.curves.values())))

    def median(self, method: str, trials: int = BUDGET) -> float:
        """Median regret after so many trials, at least ``NEGLIGIBLE``."""
        return max(NEGLIGIBLE, float(np.median(self.curves[method][:, trials - 1])))

    def mean_rank(self, method: str) -> float:
        """Rank among the methods after all trials, averaged over the runs; ties share theirs."""
        last = np.stack([np.maximum(c[:, -1], NEGLIGIBLE) for c in self.curves.values()])
        return float(rankdata(last, axis=0).mean(axis=1)[list(self.curves).index(method)])

    @property
    def peers(self) -> list[str]:
        return [name for name in self.curves if name != OURS]

    def ratio(self, others: Sequence[str]) -> float:
        """Our median regret over that of the best of others."""
        return self.median(OURS) / min(self.median(name) for name in others)


def comparisons(records: Iterable[Record]) -> list[Comparison]:
    """One a problem: what all methods that were run have in common."""
    found: dict[tuple[int, str], dict[str, dict[tuple[int, int], tuple[float, ...]]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for record in records:
        key = record.key
        runs = found[key.parallel, key.problem][key.method]
        runs[key.instance, key.seed] = record.run.regrets
    result = []
    for (parallel, problem), methods in sorted(found.items(), key=lambda item: item[0][0]):
        common = sorted(set.intersection(*(set(runs) for runs in methods.values())))
        if common:
            curves = {
                name: np.array([methods[name][key] for key in common])
                for name in NAMES
                if name in methods
            }
            result.append(Comparison(problem, parallel, curves))
    return result


def milliseconds(records: Iterable[Record]) -> dict[str, float]:
    """CPU time of a proposal by method."""
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for record in records:
        seconds[record.key.method] += record.run.cpu_seconds
        counts[record.key.method] += record.run.num_proposals
    return {name: 1000 * seconds[name] / counts[name] for name in NAMES if name in counts}
