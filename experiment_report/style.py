"""Look of the plots, shared by all of them, and their way into a page."""

import io
import re
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette: tells colours apart with every kind of colour vision.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8a8f98"

_STYLE: Any = {
    "font.size": 10,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b9bec6",
    "axes.labelcolor": "#3b4048",
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8eaee",
    "xtick.color": "#6b7280",
    "ytick.color": "#6b7280",
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "morphling",
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches. Draw and save it inside ``styled()``."""
    return Figure(figsize=(width, height), layout="constrained")


def styled() -> AbstractContextManager[None]:
    """Context in which every plot is drawn."""
    return mpl.rc_context(_STYLE)


def to_svg(figure: Figure, label: str) -> str:
    """Renders a figure as an SVG element with a text for screen readers; same in, same out."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(width|height)="[\d.]+pt"', "", svg, count=2)
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escaped}" ', 1)


def log_if_wide(axes: Axes, values: list[float], axis: str) -> None:
    """Turns an axis logarithmic where positive values span more than a factor of 20."""
    if values and min(values) > 0 and max(values) > 20 * min(values):
        getattr(axes, f"set_{axis}scale")("log")


def short(text: str, length: int = 14) -> str:
    """Shortens a label, so that it cannot push the plot aside; mathtext is switched off."""
    text = text.replace("$", r"\$")
    return text if len(text) <= length else f"{text[: length - 1]}…"
