"""The paper's plots of a predicted surface (Figures 8 and 9) and of a search path on one (10)."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Sample
from experiment_report.style import RED, new_figure, styled

Array = NDArray[np.float64]
# Predicted objective of every configuration from samples; the scale is the predictor's own.
Predictor = Callable[[Case, Sequence[Sample]], Array]


def surface_figure(
    case: Case, predictor: Predictor, samples: Sequence[Sample], knobs: tuple[str, str]
) -> Figure:
    """The surface before any sample, after 8 and after 28, beside the truth, each in its own range.

    A square shows the best over all other knobs.

    Args:
        case: What was searched.
        predictor: Posterior mean of a surrogate.
        samples: The samples of a search in order.
        knobs: Knob of the vertical and of the horizontal axis.
    """
    panels = {
        f"after {count} samples" if count else "before any sample": (
            predictor(case, samples[:count]),
            samples[:count],
        )
        for count in sorted({0, min(8, len(samples)), min(28, len(samples))})
    }
    panels["truth"] = (case.values, ())
    with styled():
        figure = new_figure(2.6 * len(panels) + 1.4, 3.2)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, (values, shown)) in zip(axes, panels.items(), strict=True):
            image = _draw(axis, case, values, knobs)
            _mark(axis, case, shown, knobs, is_path=False)
            axis.set_title(title)
        axes[0].set_ylabel(_label(knobs[0]))
        figure.colorbar(image, ax=axes, label="objective, lowest to highest")
        return figure


def path_figure(case: Case, samples: Sequence[Sample], knobs: tuple[str, str]) -> Figure:
    """The order in which a search sampled, on the true surface; a star marks the optimum."""
    with styled():
        figure = new_figure(5.6, 4.2)
        axis = figure.subplots()
        image = _draw(axis, case, case.values, knobs)
        _mark(axis, case, samples, knobs, is_path=True)
        row, column = _place(case, int(case.values.argmax()), knobs)
        axis.plot(column, row, marker="*", color=RED, markersize=16, markeredgecolor="white")
        axis.set_ylabel(_label(knobs[0]))
        axis.set_title(f"Search path, {case.service}")
        figure.colorbar(image, ax=axis, label="true objective, lowest to highest")
        return figure


def projected(case: Case, values: Array, knobs: tuple[str, str]) -> Array:
    """Best value over all other knobs, shape ``[values of knob 1, values of knob 2]``."""
    names = list(case.parameters)
    grid = values.reshape([len(texts) for texts in case.parameters.values()])
    first, second = names.index(knobs[0]), names.index(knobs[1])
    others = tuple(axis for axis in range(len(names)) if axis not in (first, second))
    best: Array = grid.max(axis=others)
    return best if first < second else best.T


def _draw(axis: Axes, case: Case, values: Array, knobs: tuple[str, str]) -> AxesImage:
    best = projected(case, values, knobs)
    low, high = best.min(), best.max()
    # A surface without an opinion gets the middle colour.
    shown = (best - low) / (high - low) if high > low else np.full(best.shape, 0.5)
    image = axis.imshow(shown, origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1)
    for texts, set_ticks in (
        (case.parameters[knobs[0]], axis.set_yticks),
        (case.parameters[knobs[1]], axis.set_xticks),
    ):
        set_ticks(range(len(texts)), texts)
    axis.set_xlabel(_label(knobs[1]))
    axis.grid(visible=False)
    return image


def _mark(
    axis: Axes, case: Case, samples: Sequence[Sample], knobs: tuple[str, str], *, is_path: bool
) -> None:
    """Marks samples; on a path with their numbers, those of one square written side by side."""
    places: dict[tuple[int, int], list[int]] = {}
    for number, sample in enumerate(samples, start=1):
        places.setdefault(_place(case, sample.index, knobs), []).append(number)
    for (row, column), numbers in places.items():
        if is_path:
            text = ",".join(map(str, numbers[:3])) + ("…" if len(numbers) > 3 else "")
            box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1}
            axis.text(column, row, text, ha="center", va="center", fontsize=7, bbox=box)
        else:
            axis.plot(column, row, "o", color="white", markeredgecolor="black", markersize=5)
    if is_path and samples:
        rows, columns = zip(*(_place(case, s.index, knobs) for s in samples), strict=True)
        axis.plot(columns, rows, color="white", linewidth=0.8, alpha=0.7)


def _place(case: Case, index: int, knobs: tuple[str, str]) -> tuple[int, int]:
    assignments = case.assignments[index]
    first, second = (case.parameters[knob].index(assignments[knob]) for knob in knobs)
    return first, second


def _label(knob: str) -> str:
    units = {"cpu_cores": "CPU cores", "batch_size": "batch size (requests)"}
    units |= {"gpu_memory_percent": "GPU memory (% of the card)"}
    units |= {"gpu_time_percent": "GPU time (% of the card)", "tp": "tensor parallelism (GPUs)"}
    return units.get(knob, knob.replace("_", " "))
