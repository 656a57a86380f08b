"""Latency against rate of one load test: what the SLO allows, and where the peak was found."""

from experiment_report.style import new_figure, styled, to_svg
from load_generator.report import LoadReport, ReportError


def latency_against_rate(report: LoadReport) -> str:
    """The curve of a report; empty text without open-loop probes that can be read."""
    # Trials of a cluster have no report, and what reads histograms is not installed there.
    from load_generator.curve_plot import draw
    from load_generator.latency_curve import open_loop_probes
    from load_generator.token_plot import token_times

    if not open_loop_probes(report):
        return ""
    with styled():
        figure = new_figure(7.2, 3.8 + 1.6 * len(token_times([report])))
        try:
            draw(figure, report)
        except ReportError:
            return ""
        return to_svg(figure, "Latency percentiles against the offered rate of the best trial")
