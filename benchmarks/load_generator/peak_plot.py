"""The plot of the page: bias and spread of every method on every server."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.load_generator.figures import Figures

_LIMIT = 0.5


def save_plot(figures: Mapping[str, Mapping[str, Figures]], path: Path) -> None:
    """Draws a panel for each server: a dot is the mean error, its bar one standard deviation.

    Args:
        figures: By server, then by method.
        path: Where the image goes.
    """
    methods = list(dict.fromkeys(m for rows in figures.values() for m in rows))
    columns = min(3, len(figures))
    lines = -(-len(figures) // columns)
    figure = Figure(figsize=(1.5 + 3.3 * columns, (0.9 + 0.24 * len(methods)) * lines + 0.4))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(figures) :]:
        axes.set_visible(False)
    for axes, (case, rows) in zip(grid.flat, figures.items(), strict=False):
        axes.axvline(0, color="0.6", linewidth=0.8)
        for place, method in enumerate(methods):
            row = rows.get(method)
            if row is None:
                continue
            is_ours = method in ("quick", "precise")
            colour = "tab:blue" if is_ours else "0.35"
            spread = row.spread if row.num_runs > 1 else 0.0
            centre = min(max(row.bias, -_LIMIT), _LIMIT)
            marker = "o" if centre == row.bias else (">" if row.bias > 0 else "<")
            axes.errorbar(centre, place, xerr=spread, fmt=marker, color=colour, capsize=2)
        axes.set_title(case, fontsize=9)
        axes.set_yticks(range(len(methods)), methods, fontsize=8)
        axes.set_xlim(-_LIMIT * 1.05, _LIMIT * 1.05)
        axes.set_xticks([-_LIMIT, -_LIMIT / 2, 0, _LIMIT / 2, _LIMIT])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
        axes.tick_params(axis="x", labelsize=8)
    grid[0][0].set_ylim(len(methods) - 0.5, -0.5)
    figure.supxlabel("mean error of the peak, and the spread of one run", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
