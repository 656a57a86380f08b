"""What the open-loop probes of one search have shown, and where it is worth to look next."""

from dataclasses import dataclass, field

from load_generator.closed_search import ClosedLoops
from load_generator.root_fit import SURELY_FAILED, Root, Tally, fit_root
from load_generator.sample import Sample
from load_generator.statistics import design_effect

# The root is above this share of all tested rates: slow servers show little at each.
_LOWEST = 0.65
# Relative room above a rate that surely failed, since even that may have been bad luck.
_ROOM = 1.02
# A failure so far below the root that theory expects, or an estimate so near below it, is doubtful.
_SURPRISING, _LEANING = 0.95, 0.98
# Up to this much above its interval's end a rate tells of that end.
_NEAR_END = 1.01
# So many probes in a row without a late request say that the estimate is too low to learn from.
_SILENT_PROBES = 3
# Probes narrow the interval no more when so many of them leave this share of its width.
_STUCK_PROBES, _STUCK_SHARE = 4, 0.92


@dataclass
class Evidence:
    """The probes so far, and what follows for the root.

    Attributes:
        closed: What the closed loops have told.
        tallies: Of all probes, in order.
        passed: The last sample at each rate that met the SLO.
        failed_rates: Rates that did not, in order.
    """

    closed: ClosedLoops
    tallies: list[Tally] = field(default_factory=list)
    passed: dict[float, Sample] = field(default_factory=dict)
    failed_rates: list[float] = field(default_factory=list)
    _widths: list[float] = field(default_factory=list)

    def add(self, rate: float, sample: Sample, has_met_slo: bool) -> None:
        """Adds a probe."""
        violations = sample.violations(self.closed.config.slo)
        missed, total = int(violations.sum()), max(1, len(violations))
        self.tallies.append(Tally(rate, total, missed, design_effect(violations)))
        if has_met_slo:
            self.passed[rate] = sample
        else:
            self.failed_rates.append(rate)

    def root(self) -> Root:
        """The root between what surely fails and what is far below all else.

        A probe that passed or failed narrowly is evidence and no bound: of several at one rate, the
        luckiest or the unluckiest would be the bound.
        """
        ceiling = self.closed.capacity().ceiling_rps
        lowest = min([*self.failed_rates, max(self.passed, default=ceiling)])
        low = lowest * _LOWEST
        high = min(_ROOM * self._bound(), ceiling)
        return fit_root(self.tallies, low, max(high, low * 1.05), self.closed.expectation())

    def next_rate(self, root: Root, tolerance: float) -> float | None:
        """Where the next probe teaches most; None when none would teach much.

        Args:
            root: What is known.
            tolerance: Relative width of the interval that is narrow enough.
        """
        self._widths.append(root.relative_width)
        if self._is_doubtful(root):
            return self._bound()
        if root.relative_width < tolerance:
            return None
        if self._is_upper_end_known(root):
            return None if self._is_stuck() else root.rate_rps
        # At the estimate silence says little: on a fast server a rate 1 % higher may be silent too.
        return root.high_rps if self._is_silent() else root.rate_rps

    def _bound(self) -> float:
        """The lowest rate that surely failed and that no pass contradicts; else the ceiling."""
        surely = SURELY_FAILED * self.closed.config.slo.allowed_share
        most_passed = max(self.passed, default=0.0)
        failed = [t.rate_rps for t in self.tallies if t.num_violations > surely * t.num_requests]
        above = [rate for rate in failed if rate > most_passed]
        return min(above, default=self.closed.capacity().ceiling_rps)

    def _is_doubtful(self, root: Root) -> bool:
        """Whether the estimate stands on a bound that was probed only once.

        A server that stood still in that moment would else have its peak below that rate for good.
        """
        bound, expectation = self._bound(), self.closed.expectation()
        num_probes = sum(tally.rate_rps == bound for tally in self.tallies)
        expected = (1 - expectation.gap) * expectation.capacity.rate_rps
        is_leaning = root.rate_rps > _LEANING * bound
        return num_probes == 1 and (is_leaning or bound < _SURPRISING * expected)

    def _is_upper_end_known(self, root: Root) -> bool:
        end = _NEAR_END * root.high_rps
        upper = [tally for tally in self.tallies if root.rate_rps <= tally.rate_rps < end]
        return any(tally.num_violations for tally in upper)

    def _is_silent(self) -> bool:
        last = self.tallies[-_SILENT_PROBES:]
        return len(last) == _SILENT_PROBES and not any(tally.num_violations for tally in last)

    def _is_stuck(self) -> bool:
        if len(self._widths) <= _STUCK_PROBES:
            return False
        # A wider interval is news: the probes contradict one another.
        return _STUCK_SHARE < self._widths[-1] / self._widths[-1 - _STUCK_PROBES] <= 1
