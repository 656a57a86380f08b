"""Compares two results: whether the second peak differs from the first, and by how much."""

import dataclasses
import math
import re
from dataclasses import dataclass

from load_generator.latency_curve import SAME_RATE, matching_points
from load_generator.report import LoadReport

METHOD = (
    "Interval of B/A: both peaks count as log-normal and independent, so its ends are\n"
    "B/A * exp(+-sqrt(w_A^2 + w_B^2)), where w = max(ln(high / peak), ln(peak / low)) of each.\n"
    "It covers chance in the measurement, not that a machine is busier one time than another."
)
# Nothing is known of a ratio whose interval spans e^50; more would overflow.
_WIDEST = 50.0
# A quantity, then its value in A, in B, and B/A or what stands in its place.
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95 % interval."""

    value: float
    low: float
    high: float


def peak_ratio(first: LoadReport, second: LoadReport) -> Ratio | None:
    """Peak of the second report divided by that of the first; None unless both have one.

    ``METHOD`` says how the interval follows. The wider half of each report's interval counts on
    both sides: a peak is never reported above a rate that was confirmed, which can cut one half
    down to nothing without making the peak any surer.
    """
    if not (_has_peak(first) and _has_peak(second)):
        return None
    value = second.peak_rps / first.peak_rps
    width = min(math.hypot(_log_half_width(first), _log_half_width(second)), _WIDEST)
    return Ratio(value=value, low=value * math.exp(-width), high=value * math.exp(width))


def differences(first: LoadReport, second: LoadReport) -> list[str]:
    """What makes two peaks answers to different questions: empty when they can be compared."""
    fields = [
        (field.name, getattr(first, field.name), getattr(second, field.name))
        for field in dataclasses.fields(LoadReport)
        if field.name in ("protocol", "model") or field.name.startswith("slo_")
    ]
    return [f"different {name} ({a!r} and {b!r})" for name, a, b in fields if a != b]


def verdict(first: LoadReport, second: LoadReport) -> str:
    """One sentence, or two, on whether the second report's peak is higher."""
    if different := differences(first, second):
        return f"not comparable: {', '.join(different)}."
    reports = (("A", first), ("B", second))
    ratio = peak_ratio(first, second)
    if ratio is None:
        missing = [f"{name} is infeasible: {r.reason}" for name, r in reports if not r.feasible]
        return " ".join(missing) or "not comparable: no peak was found."
    interval = f"{_percent(ratio.low)} to {_percent(ratio.high)}"
    if ratio.low > 1:
        text = f"B is higher by {_percent(ratio.value)} % (95 % interval {interval})."
    elif ratio.high < 1:
        down = f"{_percent(2 - ratio.high)} to {_percent(2 - ratio.low)}"
        text = f"B is lower by {_percent(2 - ratio.value)} % (95 % interval {down})."
    else:
        text = (
            f"no difference shown: B/A is {ratio.value:.3f} "
            f"(95 % interval {ratio.low:.3f} to {ratio.high:.3f})."
        )
    limited = [name for name, report in reports if report.client_limited]
    if limited:
        text += (
            f" The load generator was the limit in {' and '.join(limited)}: "
            "the true peak there may be higher."
        )
    return text


def is_worse(first: LoadReport, second: LoadReport, least_ratio: float) -> bool:
    """Whether the second peak is shown to be below ``least_ratio`` times the first.

    A peak that ought to be there and is not, or two results that cannot be compared, count as
    worse: a gate that cannot see must not open.
    """
    if differences(first, second) or not second.feasible:
        return True
    ratio = peak_ratio(first, second)
    return ratio is not None and ratio.high < least_ratio


def rows(first: LoadReport, second: LoadReport) -> list[Row]:
    """The table of a comparison.

    Raises:
        ReportError: a histogram cannot be read.
    """
    found = [("SLO", first.slo_text, second.slo_text, ""), *_peak_rows(first, second)]
    pattern = re.compile(r"\w+_p\d+_ms")
    at_peak = [f.name for f in dataclasses.fields(LoadReport) if pattern.fullmatch(f.name)]
    for name in ("saturation_rps", *at_peak, "error_rate", "seconds"):
        a, b = getattr(first, name), getattr(second, name)
        label = name.replace("_", " ")
        label = re.sub(r" (ms|rps)$", r" (\1)", label)
        found.append((label, _number(a), _number(b), _quotient(a, b)))
    a, b = ("yes" if report.client_limited else "no" for report in (first, second))
    found.append(("client limited", a, b, ""))
    return [*found, *_at_rates(first, second)]


def _peak_rows(first: LoadReport, second: LoadReport) -> list[Row]:
    a, b = (f"{r.peak_rps:.1f}" if r.feasible else "infeasible" for r in (first, second))
    from_to = [
        f"{r.peak_rps_low:.1f} to {r.peak_rps_high:.1f}" if r.feasible else "-"
        for r in (first, second)
    ]
    ratio = peak_ratio(first, second)
    value, interval = "-", "-"
    if ratio:
        value, interval = f"{ratio.value:.3f}", f"{ratio.low:.3f} to {ratio.high:.3f}"
    return [
        ("peak (rps)", a, b, value),
        ("  95 % interval", from_to[0], from_to[1], interval),
    ]


def _at_rates(first: LoadReport, second: LoadReport) -> list[Row]:
    pairs = matching_points(first, second)
    if not pairs:
        return [(f"no probes at one rate (within {100 * SAME_RATE:g} %)", "", "", "")]
    found: list[Row] = []
    for a, b in pairs:
        found.append(("at a rate of (rps)", _number(a.rate_rps), _number(b.rate_rps), ""))
        for percentile in (50, 90, 99):
            x, y = a.latency_ms(percentile), b.latency_ms(percentile)
            name = f"  latency p{percentile} (ms)"
            found.append((name, _number(x), _number(y), _quotient(x, y)))
        x, y = a.num_violations / a.num_requests, b.num_violations / b.num_requests
        found.append(("  missed the SLO", f"{100 * x:.2f} %", f"{100 * y:.2f} %", ""))
    return found


def _has_peak(report: LoadReport) -> bool:
    return bool(report.feasible) and report.peak_rps_low > 0 and report.peak_rps > 0


def _log_half_width(report: LoadReport) -> float:
    peak, low, high = report.peak_rps, report.peak_rps_low, report.peak_rps_high
    return math.log(max(high / peak, peak / low))


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 or value == 0 else f"{value:.3g}"


def _quotient(a: float | None, b: float | None) -> str:
    return f"{b / a:.3f}" if a and b is not None else "-"


def _percent(ratio: float) -> str:
    """By how much a ratio exceeds 1, in percent, with a decimal where it matters."""
    value = 100 * (ratio - 1)
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
