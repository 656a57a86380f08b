"""Latency against rate of one load test: what the SLO allows, and where the peak was found."""

from matplotlib.axes import Axes

from experiment_report.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    log_if_wide,
    new_figure,
    styled,
    to_svg,
)
from load_generator.report import LoadReport


def latency_against_rate(report: LoadReport) -> str:
    """Percentiles of the open-loop probes over their offered rate; empty text without probes."""
    probes = [p for p in report.probes if p.offered_rps is not None and p.latency_p99_ms]
    if not probes:
        return ""
    probes.sort(key=lambda probe: probe.offered_rps or 0.0)
    rates = [probe.offered_rps or 0.0 for probe in probes]
    with styled():
        figure = new_figure(7.2, 3.4)
        axes = figure.subplots()
        series = (("p50", BLUE), ("p90", GREEN), ("p99", ORANGE))
        for name, colour in series:
            values = [getattr(probe, f"latency_{name}_ms") for probe in probes]
            axes.plot(rates, values, color=colour, marker="o", markersize=4, label=name)
        is_labelled = False
        for probe in probes:
            if probe.has_met_slo is False:
                label = None if is_labelled else "SLO missed"
                is_labelled = True
                axes.scatter(
                    probe.offered_rps or 0.0, probe.latency_p99_ms or 0.0, s=70, marker="x",
                    color=RED, zorder=4, label=label,
                )  # fmt: skip
        _draw_slo(axes, report)
        axes.axvspan(report.peak_rps_low, report.peak_rps_high, color=GREY, alpha=0.2)
        axes.axvline(
            report.peak_rps, color=GREY, linewidth=1.5, label=f"peak {report.peak_rps:.0f} rps"
        )
        if report.saturation_rps:
            axes.axvline(
                report.saturation_rps, color=GREY, linestyle=":", linewidth=1.5,
                label=f"saturation {report.saturation_rps:.0f} rps",
            )  # fmt: skip
        log_if_wide(axes, [probe.latency_p50_ms or 1.0 for probe in probes] + [
            probe.latency_p99_ms or 1.0 for probe in probes
        ], "y")  # fmt: skip
        axes.set_xlabel("offered rate (requests/s)")
        axes.set_ylabel("latency (ms)")
        axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return to_svg(figure, "Latency percentiles against the offered rate of the best trial")


def _draw_slo(axes: Axes, report: LoadReport) -> None:
    if report.slo_ms is None:
        return
    axes.axhline(report.slo_ms, color=RED, linestyle="--", linewidth=1)
    axes.annotate(
        f"SLO {report.slo_text}",
        (0.01, report.slo_ms), xycoords=("axes fraction", "data"),
        xytext=(0, 3), textcoords="offset points", color=RED, fontsize=9,
    )  # fmt: skip
