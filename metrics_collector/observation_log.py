"""What to tell Katib of a load test: the named metrics, as numbers, in one log."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from load_generator.report import LoadReport
from protos.katib import api_pb2

# Metrics for which 0 is the honest value of a configuration that does not run. A latency of 0, in
# contrast, would be the best latency ever.
_ZERO_WHEN_INFEASIBLE = {
    "peak_rps",
    "peak_rps_low",
    "peak_rps_high",
    "feasible",
    "rps_per_dollar",
    "saturation_rps",
    "goodput_rps",
    "output_tokens_per_second",
}
_TEXT_FIELDS = {"reason", "protocol", "model", "probes"}
KNOWN_METRICS = tuple(f.name for f in fields(LoadReport) if f.name not in _TEXT_FIELDS)


def parse_metric_names(text: str) -> tuple[str, ...]:
    """Splits a comma-separated list of metric names; the first is the objective.

    Raises:
        ValueError: the list is empty, repeats a name, or names what no load test reports.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(f"--metrics must name at least one metric, but got {text!r}.")
    for name in names:
        if name not in KNOWN_METRICS:
            known = ", ".join(KNOWN_METRICS)
            raise ValueError(f"--metrics must be among {known}, but got {name!r}.")
        if names.count(name) > 1:
            raise ValueError(f"--metrics must not repeat a name, but got {name!r} twice.")
    return names


def values_to_report(report: LoadReport | None, names: Sequence[str]) -> dict[str, float]:
    """Picks the numbers of the named metrics; what has no number is left out.

    Args:
        report: The result; None when there is none after the deadline.
        names: Metric names.
    """
    measured = report.metrics() if report is not None else {}
    if report is None or not report.feasible:
        measured = dict.fromkeys(_ZERO_WHEN_INFEASIBLE, 0.0) | measured
    return {name: measured[name] for name in names if name in measured}


def to_log(values: dict[str, float], now: datetime) -> api_pb2.ObservationLog:
    """Builds the rows, all with one RFC 3339 time stamp; Katib drops rows without any."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    log = api_pb2.ObservationLog()
    for name, value in values.items():
        text = repr(int(value)) if value == int(value) else repr(value)
        log.metric_logs.add(time_stamp=stamp, metric=api_pb2.Metric(name=name, value=text))
    return log
