"""The paper's plots of search cost (Figures 6, 7 and 11)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.search_cost.methods.registry import NAMES
from benchmarks.search_cost.results import Record
from benchmarks.search_cost.summary import Summary
from experiment_report.style import BLUE, GREEN, GREY, ORANGE, RED, new_figure, styled

_DOTS_PER_INCH = 100
# Okabe and Ito's palette once for solid and once for dashed lines: all eleven can be told apart.
_COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#000000", GREY)
_LOOKS: Mapping[str, Mapping[str, Any]] = {
    name: {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": "-" if number < len(_COLOURS) else "--",
    }
    for number, name in enumerate(NAMES)
}


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG of 100 dots per inch."""
    figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Software": None})


def cost_figure(panels: Mapping[str, Mapping[str, Sequence[Record]]], cap: int) -> Figure:
    """Distribution of the search cost: share of the runs that had the optimum after n samples.

    Args:
        panels: Title of a panel to method to its runs.
        cap: Samples shown.
    """
    with styled():
        figure = new_figure(3.4 * len(panels) + 1.2, 3.3)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, methods) in zip(axes, panels.items(), strict=True):
            for name, records in methods.items():
                hits = np.array([record.samples_to(1.0, cap) for record in records])
                counts = np.arange(1, cap + 1)
                shares = (hits[:, None] <= counts).mean(axis=0)
                axis.plot(counts, shares, drawstyle="steps-post", label=name, **_LOOKS[name])
            _label(axis, title, "samples (configurations measured)")
        axes[0].set_ylabel("runs that have found the optimum")
        axes[0].yaxis.set_major_formatter(PercentFormatter(1.0))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
        return figure


def progress_figure(summaries: Sequence[Summary], title: str, last: int = 60) -> Figure:
    """Mean best objective so far as a share of the optimum, against samples."""
    with styled():
        figure = new_figure(6.4, 3.6)
        axis = figure.subplots()
        for summary in summaries:
            best = summary.best[:last]
            counts = np.arange(1, len(best) + 1)
            axis.plot(counts, best, label=summary.method, **_LOOKS[summary.method])
        _label(axis, title, "samples (configurations measured)")
        axis.set_ylabel("best objective so far, share of optimum")
        figure.legend(loc="outside right center")
        return figure


def _label(axis: Axes, title: str, x_label: str) -> None:
    axis.set_title(title)
    axis.set_xlabel(x_label)
    axis.set_ylim(0, 1.02)
    axis.set_xlim(left=0)
