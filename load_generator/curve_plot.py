"""Draws latency against offered rate: one result in full, or several beside each other.

Needs matplotlib, which the load generator itself does without.
"""

import html
import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from load_generator.latency_curve import histogram_of, open_loop_probes, rate_points
from load_generator.report import LoadReport, ReportError
from load_generator.token_plot import TokenTime, draw_token_time, token_times

FORMATS = ("png", "svg", "html")
# Okabe and Ito's palette: tells colours apart with every kind of colour vision.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#D55E00")
_DASHES = ("-", "--", ":")
_RED, _GREY = "#D55E00", "#6b7280"
# Beyond this ratio of the highest to the lowest latency a linear axis hides the lower ones.
_WIDE = 8.0
_PANEL_INCHES = 2.2
# What a line of this width holds of the title's font.
_TITLE_CHARACTERS = 90
_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.edgecolor": "#b9bec6",
    "grid.color": "#e8eaee",
    "legend.frameon": False,
    "svg.hashsalt": "load-test",
}


def save(reports: Sequence[tuple[str, LoadReport]], path: Path) -> None:
    """Draws reports, each with the name it gets in the legend, into a PNG, SVG or HTML file.

    Args:
        reports: At least one; a single one is drawn with all percentiles, several with that of
            the SLO only.
        path: Its ending is one of ``FORMATS``.

    Raises:
        ReportError: a histogram cannot be read, or no report has an open-loop probe.
        OSError: the file cannot be written.
    """
    if not any(open_loop_probes(report) for _, report in reports):
        raise ReportError("A curve needs an open-loop probe, but the result has none.")
    with mpl.rc_context(_STYLE):
        num_token_times = len(token_times([report for _, report in reports]))
        figure = Figure(figsize=(9, 5.2 + _PANEL_INCHES * num_token_times), layout="constrained")
        if len(reports) == 1:
            draw(figure, reports[0][1])
        else:
            _draw_several(figure, reports)
            _finish(figure)
        if path.suffix == ".png":
            figure.savefig(path, dpi=150)
        elif path.suffix == ".svg":
            path.write_text(_svg(figure))
        else:
            path.write_text(_page(_svg(figure), reports))


def draw(figure: Figure, report: LoadReport) -> None:
    """Draws one report with all percentiles into an empty figure of constrained layout.

    Raises:
        ReportError: a histogram cannot be read.
    """
    axes, panels = _panels(figure, [report])
    _draw_one(axes, report)
    colours = {50: _COLOURS[0], 99: _COLOURS[2]}
    for time, panel in panels.items():
        draw_token_time(panel, time, report, colours)
        if (bound := time.bound_ms(report)) is not None:
            _draw_bound(panel, bound, f"SLO p{report.slo_percentile:g} ≤ {bound:g} ms")
    _finish(figure)


def _panels(figure: Figure, reports: Sequence[LoadReport]) -> tuple[Axes, dict[TokenTime, Axes]]:
    """Axes for the latency, and below them those for each time that streamed answers have."""
    times = token_times(reports)
    heights = [2.0, *(1.0 for _ in times)]
    column = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    return column[0], dict(zip(times, column[1:], strict=True))


def _draw_one(axes: Axes, report: LoadReport) -> None:
    percentiles = sorted({50.0, 90.0, 99.0, report.slo_percentile})
    points = rate_points(report)
    rates = [point.rate_rps for point in points]
    for percentile, colour in zip(percentiles, _COLOURS, strict=False):
        latencies = [point.latency_ms(percentile) for point in points]
        is_bounded = percentile == report.slo_percentile
        axes.plot(
            rates, latencies, color=colour, linewidth=2 if is_bounded else 1.3, marker="o",
            markersize=4 if is_bounded else 3, label=f"p{percentile:g}",
        )  # fmt: skip
    _draw_violations(axes, report, _RED, "misses the SLO")
    if report.slo_ms is not None:
        _draw_bound(axes, report.slo_ms, f"SLO ≤ {report.slo_ms:g} ms")
    if report.feasible:
        low, high, peak = report.peak_rps_low, report.peak_rps_high, report.peak_rps
        label = f"peak {peak:.4g} rps ({low:.4g} to {high:.4g})"
        axes.axvspan(low, high, color=_GREY, alpha=0.18, linewidth=0)
        axes.axvline(peak, color=_GREY, linewidth=1.5, label=label)
    if report.saturation_rps:
        axes.axvline(
            report.saturation_rps, color=_GREY, linestyle=":", linewidth=1.8,
            label=f"saturation {report.saturation_rps:.4g} rps",
        )  # fmt: skip
    limited = "; the load generator was the limit" if report.client_limited else ""
    _set_title(axes, f"{_subject(report)}, SLO {report.slo_text}{limited}")


def _draw_several(figure: Figure, reports: Sequence[tuple[str, LoadReport]]) -> None:
    axes, panels = _panels(figure, [report for _, report in reports])
    bounds = {report.slo_percentile for _, report in reports}
    percentile = bounds.pop() if len(bounds) == 1 else 99.0
    for index, (name, report) in enumerate(reports):
        colour = _COLOURS[index % len(_COLOURS)]
        dashes = _DASHES[index // len(_COLOURS) % len(_DASHES)]
        for time, panel in panels.items():
            draw_token_time(panel, time, report, {99: colour}, dashes)
        points = rate_points(report)
        peak = f"peak {report.peak_rps:.4g} rps" if report.feasible else "infeasible"
        axes.plot(
            [point.rate_rps for point in points],
            [point.latency_ms(percentile) for point in points],
            color=colour, linestyle=dashes, linewidth=1.8, marker="o", markersize=4,
            label=f"{_plain(name)}: {peak}",
        )  # fmt: skip
        _draw_violations(axes, report, colour, None)
        if report.feasible:
            axes.axvspan(
                report.peak_rps_low, report.peak_rps_high, color=colour, alpha=0.15, linewidth=0
            )
            axes.axvline(report.peak_rps, color=colour, linewidth=1, alpha=0.7)
    axes.scatter([], [], s=60, marker="x", color=_GREY, label="misses the SLO")
    axes.fill_between([], [], color=_GREY, alpha=0.2, label="95 % interval of the peak")
    for slo_ms in sorted({r.slo_ms for _, r in reports if r.slo_ms is not None}):
        _draw_bound(axes, slo_ms, f"SLO {slo_ms:g} ms")
    for time, panel in panels.items():
        bounds_ms = (time.bound_ms(report) for _, report in reports)
        for bound in sorted({bound for bound in bounds_ms if bound is not None}):
            _draw_bound(panel, bound, f"SLO {bound:g} ms")
    subjects = sorted({_subject(report) for _, report in reports})
    _set_title(axes, f"p{percentile:g} latency, {' / '.join(subjects)}")


def _set_title(axes: Axes, text: str) -> None:
    axes.set_title(textwrap.fill(text, _TITLE_CHARACTERS))


def _draw_violations(axes: Axes, report: LoadReport, colour: str, label: str | None) -> None:
    """Marks each probe that missed the SLO, at the percentile that the SLO bounds."""
    missed = [
        (rate, histogram_of(probe).get_value_at_percentile(report.slo_percentile) / 1000)
        for rate, probe in open_loop_probes(report)
        if probe.has_met_slo is False
    ]
    if missed:
        rates, latencies = zip(*missed, strict=True)
        axes.scatter(rates, latencies, s=60, marker="x", color=colour, zorder=4, label=label)


def _draw_bound(axes: Axes, slo_ms: float, text: str) -> None:
    axes.axhline(slo_ms, color=_RED, linestyle="--", linewidth=1.2)
    axes.annotate(
        text, (0.005, slo_ms), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", color=_RED, fontsize=9, zorder=5,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def _finish(figure: Figure) -> None:
    axes = figure.axes[0]
    for panel in figure.axes[1:]:
        panel.set_ylim(bottom=0)
    figure.axes[-1].set_xlabel("offered rate (requests/s)")
    axes.set_ylabel("latency (ms)")
    low, high = axes.dataLim.intervaly
    if low > 0 and high > _WIDE * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)


def _subject(report: LoadReport) -> str:
    return _plain(", ".join(filter(None, (report.model, report.protocol))))


def _plain(text: str) -> str:
    """Keeps matplotlib from reading a formula or a hidden label into a name."""
    return text.replace("$", r"\$").lstrip("_")


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _page(svg: str, reports: Sequence[tuple[str, LoadReport]]) -> str:
    """A page that needs no other file: the figure, and the curves as tables."""
    title = "Latency against offered rate"
    tables = "".join(_table(name, report) for name, report in reports)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body{font:15px/1.5 sans-serif;max-width:900px;margin:2em auto;padding:0 1em}"
        "svg{width:100%;height:auto}td,th{text-align:right;padding:.1em .8em}"
        "table{border-collapse:collapse}tr+tr{border-top:1px solid #e8eaee}</style></head>\n"
        f"<body><h1>{title}</h1>\n{svg[svg.index('<svg') :]}{tables}</body></html>\n"
    )


def _table(name: str, report: LoadReport) -> str:
    head = ("rate (rps)", "p50 (ms)", "p90 (ms)", "p99 (ms)", "requests", "missed the SLO")
    lines = ["".join(f"<th>{text}</th>" for text in head)]
    for point in rate_points(report):
        cells = [f"{point.rate_rps:.1f}"]
        cells += [f"{point.latency_ms(percentile):.1f}" for percentile in (50, 90, 99)]
        cells += [str(point.num_requests), str(point.num_violations)]
        lines.append("".join(f"<td>{text}</td>" for text in cells))
    rows = "".join(f"<tr>{line}</tr>\n" for line in lines)
    subject = html.escape(f"{name}: {report.model} {report.protocol}, SLO {report.slo_text}")
    return f"<h2>{subject}</h2>\n<table>\n{rows}</table>\n"
