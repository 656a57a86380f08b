"""Writes the report: one self-contained HTML page and a CSV file."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from experiment_report.latency_plot import latency_against_rate
from experiment_report.number import readable
from experiment_report.plots import best_so_far, knobs, pareto, time_spent
from experiment_report.table import to_csv
from experiment_report.values import ExperimentRecord


def write_report(record: ExperimentRecord, folder: Path) -> Path:
    """Writes ``index.html`` and ``trials.csv``, each in one step, and returns the page's path.

    Args:
        record: What to show; any number of trials, none included.
        folder: Created when missing.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    _replace(folder / "trials.csv", to_csv(record))
    _replace(page, to_html(record))
    return page


def to_html(record: ExperimentRecord) -> str:
    """Renders the page; equal records give equal text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = readable
    text = files("experiment_report").joinpath("page.html").read_text(encoding="utf-8")
    best = record.best
    report = best.load_report if best else None
    return environment.from_string(text).render(
        record=record,
        best=best,
        metrics=sorted({name for trial in record.trials for name in trial.metrics}),
        plots={
            "best_so_far": best_so_far(record),
            "knobs": knobs(record) if record.parameters else "",
            "latency": latency_against_rate(report) if report else "",
            "pareto": pareto(record),
            "time": time_spent(record),
        },
    )


def _replace(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.tmp")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
