"""Plots of an Experiment's progress: best so far, knobs, Pareto front, time."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiment_report.pareto import pareto_front
from experiment_report.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    log_if_wide,
    new_figure,
    short,
    styled,
    to_svg,
)
from experiment_report.values import ExperimentRecord, ParameterInfo, TrialRecord

_MAX_TICKS = 12
_PHASE_COLOURS = (ORANGE, BLUE, GREEN, GREY, RED)


def best_so_far(record: ExperimentRecord) -> str:
    """The objective of each trial, and the best up to it."""
    values = [record.objective(trial) for trial in record.trials]
    measured = [(i + 1, v) for i, v in enumerate(values) if v is not None]
    failed = [
        i + 1
        for i, (v, t) in enumerate(zip(values, record.trials, strict=True))
        if v is None and t.condition not in ("Created", "Running")
    ]
    with styled():
        figure = new_figure(7.2, 3.2)
        axes = figure.subplots()
        if measured:
            numbers, points = (list(column) for column in zip(*measured, strict=True))
            best = np.maximum if record.direction == "maximize" else np.minimum
            axes.step(
                [*numbers, len(values)],
                [*(running := best.accumulate(points)), running[-1]],
                where="post",
                color=BLUE,
                linewidth=2,
                label="best so far",
            )
            axes.scatter(numbers, points, color=GREY, s=28, zorder=3, label="trial")
            log_if_wide(axes, [float(p) for p in points], "y")
        if failed:
            floor = axes.get_ylim()[0]
            axes.scatter(
                failed, [floor] * len(failed), marker="x", color=RED, label="failed or infeasible",
                clip_on=False, zorder=4,
            )  # fmt: skip
        axes.set_xlabel("trial")
        axes.set_ylabel(short(record.objective_metric, 40))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if measured or failed:
            axes.legend(loc="best", fontsize=9)
        return to_svg(figure, f"{record.objective_metric} of each trial and the best so far")


def knobs(record: ExperimentRecord) -> str:
    """Each parameter against the objective, one panel a parameter."""
    count = len(record.parameters)
    columns = count if count <= 4 else 3
    rows = math.ceil(count / columns)
    trials = [(t, v) for t in record.trials if (v := record.objective(t)) is not None]
    with styled():
        figure = new_figure(2.5 * max(columns, 2), 2.5 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes in grid.flat[count:]:
            axes.set_visible(False)
        for axes, parameter in zip(grid.flat, record.parameters, strict=False):
            axes.set_title(short(parameter.name, 26), fontsize=10)
            _knob_panel(axes, parameter, trials, record.best)
            log_if_wide(axes, [value for _, value in trials], "y")
        for row in grid:
            row[0].set_ylabel(short(record.objective_metric, 24))
        return to_svg(figure, f"Each parameter against {record.objective_metric}")


def _knob_panel(
    axes: Axes,
    parameter: ParameterInfo,
    trials: list[tuple[TrialRecord, float]],
    best: TrialRecord | None,
) -> None:
    choices = parameter.choices
    if not choices and parameter.type == "int":
        choices = _integers(parameter)
    # Trials at one choice are spread a little, evenly and not by chance, so that none is hidden.
    for index, (trial, value) in enumerate(trials):
        text = trial.assignments.get(parameter.name, "")
        if choices and text in choices:
            x = choices.index(text) + 0.1 * (index % 5 - 2) / 2
        elif choices or not text:
            continue
        else:
            x = float(text)
        is_best = trial is best
        axes.scatter(
            x, value, s=60 if is_best else 26, color=ORANGE if is_best else BLUE,
            alpha=1 if is_best else 0.7, zorder=4 if is_best else 3,
        )  # fmt: skip
    if choices:
        step = math.ceil(len(choices) / _MAX_TICKS)
        ticks = range(0, len(choices), step)
        long = sum(len(choice) for choice in choices[::step]) > 20
        axes.set_xticks(
            list(ticks), [short(choices[i]) for i in ticks], rotation=45 if long else 0, fontsize=8
        )
        axes.set_xlim(-0.5, len(choices) - 0.5)


def _integers(parameter: ParameterInfo) -> tuple[str, ...]:
    try:
        low, high = int(parameter.min), int(parameter.max)
    except ValueError:
        return ()
    return tuple(map(str, range(low, high + 1))) if high - low < 64 else ()


def pareto(record: ExperimentRecord) -> str:
    """Peak RPS against cost, with the front; empty text without costs."""
    names = ("cost", "peak_rps")
    points = []
    for trial in record.trials:
        report = trial.load_report
        values = {n: trial.metrics.get(n, getattr(report, n, None)) for n in names}
        cost, rate = values["cost"], values["peak_rps"]
        if record.objective(trial) is not None and cost is not None and rate:
            points.append((cost, rate, trial is record.best))
    if not points or len({cost for cost, _, _ in points}) < 2:
        return ""
    front = pareto_front([(cost, rate) for cost, rate, _ in points])
    with styled():
        figure = new_figure(7.2, 3.2)
        axes = figure.subplots()
        axes.plot(
            [points[i][0] for i in front], [points[i][1] for i in front],
            color=GREEN, linewidth=2, marker="o", markersize=9, markerfacecolor="white",
            label="Pareto front",
        )  # fmt: skip
        for cost, rate, is_best in points:
            axes.scatter(cost, rate, s=26, color=ORANGE if is_best else BLUE, zorder=4)
        axes.scatter([], [], color=ORANGE, label="best objective")
        axes.set_xlabel("cost of the configuration (unit of the given prices)")
        axes.set_ylabel("peak rate (requests/s)")
        axes.legend(fontsize=9)
        return to_svg(figure, "Peak request rate against cost, with the Pareto front")


def time_spent(record: ExperimentRecord) -> str:
    """Where the time went, in one stacked bar; empty text when nothing has run."""
    phases = {name: seconds for name, seconds in record.phase_seconds.items() if seconds > 0}
    if not phases:
        return ""
    total = sum(phases.values())
    with styled():
        figure = new_figure(7.2, 1.3)
        axes = figure.subplots()
        left = 0.0
        for (name, seconds), colour in zip(phases.items(), _PHASE_COLOURS, strict=False):
            label = f"{name} {seconds:.0f} s ({seconds / total:.0%})"
            axes.barh([0], [seconds], left=left, color=colour, label=label)
            left += seconds
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.set_xlabel("seconds, summed over trials")
        axes.spines["left"].set_visible(False)
        figure.legend(loc="outside upper left", ncols=4, fontsize=9)
        return to_svg(figure, "Seconds spent in each phase")
