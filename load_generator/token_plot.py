"""Draws the times of streamed tokens against offered rate, below the latency."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from load_generator.latency_curve import open_loop_probes
from load_generator.report import LoadReport


@dataclass(frozen=True)
class TokenTime:
    """A time that only streamed answers have; its fields in reports and probes begin with it.

    Attributes:
        name: As in the fields.
        words: Label of its axis.
    """

    name: str
    words: str

    def bound_ms(self, report: LoadReport) -> float | None:
        """The SLO's bound on it."""
        bound: float | None = getattr(report, f"slo_{self.name}_ms")
        return bound

    def curve(self, report: LoadReport, percentile: int) -> list[tuple[float, float]]:
        """Rates of the open-loop probes, ascending, and the percentile there in milliseconds."""
        values = [
            (rate, getattr(probe, f"{self.name}_p{percentile}_ms"))
            for rate, probe in open_loop_probes(report)
        ]
        return [(rate, value) for rate, value in values if value is not None]


_ALL = (TokenTime("ttft", "TTFT (ms)"), TokenTime("tpot", "TPOT (ms)"))


def token_times(reports: Sequence[LoadReport]) -> list[TokenTime]:
    """Those that any of the reports knows."""
    return [time for time in _ALL if any(time.curve(report, 99) for report in reports)]


def draw_token_time(
    axes: Axes,
    time: TokenTime,
    report: LoadReport,
    percentiles: dict[int, str],
    line_style: str = "-",
) -> None:
    """Draws one report's curves.

    Args:
        axes: Shared with the latency in rates only.
        time: What to draw.
        report: Where it is from.
        percentiles: 50, 99 or both, each with its colour.
        line_style: Of all of them.
    """
    for percentile, colour in percentiles.items():
        points = time.curve(report, percentile)
        axes.plot(
            [rate for rate, _ in points], [value for _, value in points],
            color=colour, linestyle=line_style, linewidth=1.8, marker="o", markersize=4,
        )  # fmt: skip
    axes.set_ylabel(time.words)
