"""How meta-training went, as numbers and as a picture."""

import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

Array32 = NDArray[np.float32]

COLUMNS = ("update", "loss", "mean_absolute_error")
_NUM_POINTS = 100


def smoothed(history: Array32) -> NDArray[np.float64]:
    """Means over equal stretches of the updates, at most 100 of them.

    Args:
        history: Loss and absolute error of every update's tasks, before that update, ``[n, 2]``.

    Returns:
        Last update of the stretch, means of loss and error, shape ``[k, 3]``.
    """
    if not len(history):
        return np.zeros((0, 3))
    ends = np.cumsum([len(part) for part in np.array_split(history, _parts(history))])
    means = np.stack([part.mean(0) for part in np.array_split(history, _parts(history))])
    return np.column_stack([ends, means]).astype(np.float64)


def _parts(history: Array32) -> int:
    return min(_NUM_POINTS, len(history))


def write_learning_curve(history: Array32, folder: Path) -> None:
    """Writes ``learning_curve.csv`` and ``learning_curve.png``."""
    rows = smoothed(history)
    with (folder / "learning_curve.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(
            [int(update), f"{loss:.4f}", f"{error:.4f}"] for update, loss, error in rows
        )
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(rows[:, 0], rows[:, 1])
    left.set_ylabel("loss of the query sets")
    right.plot(rows[:, 0], rows[:, 2])
    right.set_ylabel("error, log requests/s")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xlabel("meta-updates")
    figure.savefig(folder / "learning_curve.png", dpi=100)
