"""The page of a benchmark: what was run where, tables and plots."""

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.search_cost.figures import cost_figure, progress_figure, save
from benchmarks.search_cost.method import Sample, Setup
from benchmarks.search_cost.methods.ours import SETTINGS
from benchmarks.search_cost.predictors import service_predictor
from benchmarks.search_cost.report import Comparison, Group, lead_line, sections, table
from benchmarks.search_cost.results import Record
from benchmarks.search_cost.run import measure
from benchmarks.search_cost.suites import SUITES, Condition, problems_of
from benchmarks.search_cost.surfaces import path_figure, surface_figure

# More numbers than this cannot be read on the plot of a path.
_PATH_LENGTH = 24
_PACKAGES = ("numpy", "scipy", "scikit-optimize", "optuna", "tensorflow")
_NOTES = """\
*Samples* count every measured configuration, given initial points included, until the best of the
whole space has been measured (or one at least 99 %, 95 %, 90 % as good by its true value); median /
90th percentile / maximum over runs. *Best after n* is the mean over runs of the best true objective
so far as a share of the optimum. *ms* is CPU time (`vizier`, a process of its own: wall time).

Methods: `default`, `maml`, `gp` are this project's service over gRPC, `default+prices` with
settings that tell what the objective was divided by; `skopt` is scikit-optimize as Katib's service
uses it, where a repeated configuration is measured again; `tpe` (Optuna,
multivariate) and `vizier` (google-vizier's GP bandit) have repeats replaced by random
configurations for free; failed trials are told to `tpe` as 0; `fine-tuning` and `ernest` are the
paper's neural baselines; `portfolio` is the fixed list that is best on average over the training
services; `random` draws without repetition.
"""


def write_page(records: Sequence[Record], folder: Path) -> Path:
    """Writes ``README.md`` and its plots.

    Args:
        records: Finished runs, at least one.
        folder: Where to write.

    Returns:
        The page.
    """
    found = list(sections(records))
    parts = ["# Search cost", _where(), _NOTES]
    for suite in SUITES:
        own = [(group, compared) for group, compared in found if group.suite == suite]
        if own:
            parts += _suite_section(suite, own, folder)
    parts += [*_overview(records, folder), *_surfaces(records, folder)]
    page = folder / "README.md"
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n")
    return page


def _where() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores, {platform.machine()}, "
        f"{platform.system()}; Python {platform.python_version()}, {packages}."
    )


def _suite_section(
    suite: str, own: Sequence[tuple[Group, list[Comparison]]], folder: Path
) -> list[str]:
    parts = [f"## {SUITES[suite].title}", f"{SUITES[suite].split}."]
    for group, compared in own:
        parts.append(f"### {group.condition.title}")
        for comparison in compared:
            parts += [table(comparison), lead_line(comparison)]
        if group.condition == SUITES[suite].conditions[0]:
            figure = progress_figure(compared[0].summaries, SUITES[suite].title)
            parts.append(_plot(figure, f"progress-{_slug(suite)}", suite, folder))
    return [part for part in parts if part]


def _overview(records: Sequence[Record], folder: Path) -> list[str]:
    parts = ["## Distribution of the search cost"]
    for world in dict.fromkeys(suite.split("/")[0] for suite in SUITES):
        panels = _panels(records, world)
        if panels:
            cap = max(record.key.setup.cap for record in records)
            figure = cost_figure(panels, cap)
            parts.append(_plot(figure, f"cost-{_slug(world)}", f"search cost, {world}", folder))
    return parts


def _panels(records: Sequence[Record], world: str) -> Mapping[str, Mapping[str, Sequence[Record]]]:
    """Runs under the plain condition by objective and method: those that ran on everything."""
    panels = {}
    for group, compared in sections(records):
        plain = SUITES[group.suite].conditions[0]
        if group.suite.split("/")[0] == world and group.condition == plain:
            own = [r for r in records if r.key.suite == group.suite and _is_under(r, group)]
            panels[f"objective {group.suite.split('/')[1]}"] = {
                summary.method: [r for r in own if r.key.method == summary.method]
                for summary in compared[0].summaries
            }
    return panels


def _is_under(record: Record, group: Group) -> bool:
    setup = record.key.setup
    return Condition(setup.noise, setup.infeasible, setup.start) == group.condition


def _surfaces(records: Sequence[Record], folder: Path) -> list[str]:
    """Surfaces and path of the longest search of ours in the open-source world."""
    own = [
        record
        for record in records
        if record.key.suite == "open-source/1"
        and record.key.method in SETTINGS
        and record.key.setup == Setup(cap=record.key.setup.cap)
    ]
    if not own:
        return []
    method = next(name for name in SETTINGS if any(r.key.method == name for r in own))
    record = max((r for r in own if r.key.method == method), key=lambda r: len(r.samples))
    case = problems_of(record.key.suite)[record.key.case].case
    samples = [Sample(i, measure(case, i, record.key.setup)) for i in record.samples]
    knobs = ("gpu_memory_percent", "batch_size")
    predictor = service_predictor(SETTINGS[method])
    surface = surface_figure(case, predictor, samples, knobs)
    path = path_figure(case, samples[:_PATH_LENGTH], knobs)
    return [
        "## What the search sees",
        f"{case.service}, the service on which `{method}` took longest ({len(samples)} samples, of "
        f"which the path shows at most {_PATH_LENGTH}). Each square is the best over the other "
        f"knobs; a star marks the optimum. The prediction is that of `{method}`.",
        _plot(surface, "surfaces", "predicted surfaces and the truth", folder),
        _plot(path, "path", "search path", folder),
    ]


def _plot(figure: Figure, name: str, label: str, folder: Path) -> str:
    save(figure, folder / f"{name}.png")
    return f"![{label}]({name}.png)"


def _slug(text: str) -> str:
    return text.replace("/", "-").replace("_", "-")
