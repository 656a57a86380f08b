"""The page of results: tables in Markdown, and a plot."""

import datetime
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.load_generator.cases import CASES, Case
from benchmarks.load_generator.client_page import cost_section, stall_section
from benchmarks.load_generator.figures import Figures, figures_of
from benchmarks.load_generator.methods import METHODS
from benchmarks.load_generator.peak_plot import save_plot
from benchmarks.load_generator.results import ClosedLoop, Measurement, Stall, Window
from benchmarks.load_generator.truth import Truth, exact, from_windows

_COLUMNS = (
    "method",
    "runs",
    "mean error",
    "spread",
    "worst error",
    "interval holds truth",
    "interval width",
    "seconds",
    "client CPU, ms a request",
)
_NOTES = """\
*Mean error* is the mean of the found peak over the true one, less 1, with its standard error;
*spread* the standard deviation of one run. *Interval holds truth* gives or takes the standard error
of a truth that is itself measured. *Seconds* are those of the client's program from start to end,
the server being ready; its CPU time, start included, is divided by all requests it sent. Servers
and clients have a core each; some of the simulated servers ran at the same time, each of which
takes a small part of a core. Every run has a fresh server and, where the client has a seed, its
own. The measurements are beside this page, as JSON lines.

The simulated servers' true peaks follow from a simulation of millions of requests, without the
load generator. A real server's is measured: windows of a minute at fixed rates around it, spread
over the whole benchmark, sent by a program that shares neither schedule nor search with the load
generator. The share of late requests, made to rise with the rate, is read off where it crosses one
in a hundred; the interval is a bootstrap over the windows. The search was tuned on other
queues in virtual time (`python -m benchmarks.load_generator.tuning`): fixed, exponential and
lognormal service times, batches, language models, and servers that stand still once. Early runs of
`fixed-20`, `fixed-200`, `fixed-2000` and `batch-30` here showed that it stopped too low or too
high, and why; what was changed then was chosen by those queues again.

Methods: `quick` and `precise` are the load generator's profiles. `double-then-bisect` is what the
original Morphling's client does, in windows of 10 or 30 s, with our open loop, early end of
hopeless windows, and bisection to 2 %. `perf_analyzer` (Triton's, 2.51) searches by itself among
Poisson rates from a quarter to twice the expected peak (on `fixed-2000` to 1.25 times) in steps of
2 % of it, for three windows of 4 s each; its test of stability is off, since with Poisson arrivals
it ends the search too early; its arrivals are the same in every run, so its spread tells less than
the others'.
The others have no search, so a script doubles and bisects over windows of 10 s as their users' do:
`vegeta` over rates (evenly spaced requests, no Poisson arrivals), `locust` over users of one
request a second each, spread over that second, `wrk` over connections in a closed loop, whose peak
is the throughput at the most connections that meet the SLO. These three answer another question
than the true peak does, which counts for Poisson arrivals."""


def write_page(
    folder: Path,
    searches: Sequence[Measurement],
    windows: Sequence[Window],
    loops: Sequence[ClosedLoop],
    stalls: Sequence[Stall],
) -> Path:
    """Writes README.md and its plot into a folder; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    truths = truths_of(windows)
    figures = all_figures(searches, truths)
    parts = ["# Accuracy and cost of the load generator", _where(), _NOTES]
    if figures:
        save_plot(figures, folder / "peaks.png")
        parts.append("![Error of each run's peak, by server and method](peaks.png)")
    for name in dict.fromkeys(m.case for m in searches if m.case not in truths):
        parts.append(f"The true peak of {name} is not measured yet, or not from enough windows.")
    for name, rows in figures.items():
        parts += [f"## {name}", _about(CASES[name], truths[name]), "\n".join(table(rows))]
    parts += [cost_section(loops), stall_section(stalls)]
    page = folder / "README.md"
    page.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")
    return page


def truths_of(windows: Sequence[Window]) -> dict[str, Truth]:
    """The true peak of each server that is known, simulated or measured."""
    truths = {}
    for name, case in CASES.items():
        if case.peak_rps is not None:
            truths[name] = exact(case.peak_rps)
        elif truth := from_windows([w for w in windows if w.case == name]):
            truths[name] = truth
    return truths


def all_figures(
    searches: Sequence[Measurement], truths: Mapping[str, Truth]
) -> dict[str, dict[str, Figures]]:
    """Figures by server, then by method, both in the order in which they are listed."""
    found: dict[str, dict[str, Figures]] = {}
    for case, truth in truths.items():
        for method in METHODS:
            runs = [m for m in searches if (m.case, m.method) == (case, method)]
            if runs:
                found.setdefault(case, {})[method] = figures_of(runs, truth)
    return found


def table(rows: Mapping[str, Figures]) -> Iterator[str]:
    """One Markdown row for each method."""
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"| --- |{' ---: |' * (len(_COLUMNS) - 1)}"
    for method, row in rows.items():
        cells = (
            method,
            f"{row.num_runs}",
            f"{row.bias:+.1%}" + (f" ± {row.bias_error:.1%}" if row.num_runs > 1 else ""),
            f"{row.spread:.1%}" if row.num_runs > 1 else "",
            f"{row.worst:+.1%}",
            "" if row.coverage is None else f"{row.coverage:.0%}",
            "" if row.interval_width is None else f"{row.interval_width:.0%}",
            f"{row.seconds:.0f}",
            f"{row.cpu_ms:.3f}",
        )
        yield f"| {' | '.join(cells)} |"


def _about(case: Case, truth: Truth) -> str:
    text = f"{case.describe()}. True peak {truth.peak_rps:.4g} rps"
    if truth.error_rps:
        text += f" (measured; 95 % interval {truth.low_rps:.4g} to {truth.high_rps:.4g})"
    return f"{text}. {case.remark}".rstrip()


def _where() -> str:
    today = datetime.date.today().isoformat()
    return (
        f"{today}; {os.cpu_count()} cores, {platform.machine()}, {platform.system()}; "
        f"Python {platform.python_version()}."
    )
