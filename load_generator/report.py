"""The result of a load test: values, and the JSON file that the metrics collector reads.

The file is the only thing that the load generator and its readers share, so this module imports
nothing but the standard library. ``docs/result-file.md`` describes every field.
"""

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

SCHEMA_VERSION = 2

# Some 40 probes at most, each with a histogram of up to 11 kB and 0.8 kB of other fields.
_MOST_BYTES = 512 * 1024


class ReportError(ValueError):
    """A result file breaks the schema; the message names the field, the rule and the value."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One stretch of load at one setting.

    Attributes:
        kind: ``warm_up``, ``idle`` (one request at a time), ``saturation`` (closed loop), ``rate``
            (open loop, part of the search) or ``confirm`` (open loop, the last word).
        offered_rps: Mean arrival rate of the open loop; None in a closed loop.
        concurrency: Number of requests kept in flight in a closed loop; None in an open loop.
        seconds: Duration from the first scheduled arrival until the last answer or verdict.
        num_requests: Requests that count: answered, failed, or given up.
        num_violations: Of these, how many missed the latency SLO; errors are among them.
        num_errors: Of these, how many failed: no connection, a bad status, a broken body.
        achieved_rps: Correct answers a second.
        latency_p50_ms: Median latency from the scheduled arrival; None without any answer.
        latency_p90_ms: 90th percentile of latency from the scheduled arrival; None without any
            answer.
        latency_p99_ms: 99th percentile of latency from the scheduled arrival; None without any
            answer.
        ttft_p50_ms: Median time from the scheduled arrival to the first token; None unless answers
            were streamed.
        ttft_p99_ms: 99th percentile of the time from the scheduled arrival to the first token; None
            unless answers were streamed.
        tpot_p50_ms: Median of the mean time per output token after the first; None unless answers
            were streamed.
        tpot_p99_ms: 99th percentile of the mean time per output token after the first; None unless
            answers were streamed.
        output_tokens_per_second: Tokens of correct answers a second; None unless answers were
            streamed.
        has_met_slo: The verdict; None where none is passed: warm-up, saturation, and a failure for
            which the load generator's own delays may be the reason, so that it was tried again.
        stop_reason: Why the probe ended before its time; empty when it ran to the end.
        schedule_lag_p99_ms: How late the client itself sent, 99th percentile; None when closed.
        client_cpu_share: CPU time of the busiest sending process divided by the duration; 1 is a
            whole core.
        client_throttled_share: Share of the time for which the load generator's container was held
            back by its CPU limit.
        client_loop_lag_ms: Longest delay of a timer of the load generator.
        histogram: Latencies in microseconds: HdrHistogram V2, compressed, base64; may be empty.
    """

    kind: str
    offered_rps: float | None
    concurrency: int | None
    seconds: float
    num_requests: int
    num_violations: int
    num_errors: int
    achieved_rps: float
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p99_ms: float | None
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    tpot_p50_ms: float | None
    tpot_p99_ms: float | None
    output_tokens_per_second: float | None
    has_met_slo: bool | None
    stop_reason: str
    schedule_lag_p99_ms: float | None
    client_cpu_share: float
    client_throttled_share: float
    client_loop_lag_ms: float
    histogram: str


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What a load test found. Rates are requests a second, latencies milliseconds.

    Attributes:
        peak_rps: Highest Poisson arrival rate that meets the SLO; 0 when infeasible.
        peak_rps_low: Lower end of the 95 % confidence interval of ``peak_rps``.
        peak_rps_high: Upper end of the 95 % confidence interval of ``peak_rps``.
        feasible: 1, or 0 when no rate meets the SLO (see ``reason``).
        reason: Why the configuration is infeasible, or how the search ended.
        client_limited: 1 when requests were sent late, or the load generator used up its core or
            was held back by its CPU limit: the true peak may be higher.
        latency_p50_ms: Median latency at the peak; None when infeasible.
        latency_p90_ms: 90th percentile at the peak; None when infeasible.
        latency_p99_ms: 99th percentile at the peak; None when infeasible.
        ttft_p50_ms: Median time to the first token at the peak; None unless answers were streamed.
        ttft_p99_ms: 99th percentile of the time to the first token at the peak; None unless answers
            were streamed.
        tpot_p50_ms: Median time per output token after the first at the peak; None unless answers
            were streamed.
        tpot_p99_ms: 99th percentile of the time per output token after the first at the peak; None
            unless answers were streamed.
        output_tokens_per_second: Tokens of correct answers a second at the peak; None unless
            answers were streamed.
        goodput_rps: Answers a second at the peak that met the SLO; 0 when infeasible.
        error_rate: Share of failed requests in the probe that decided.
        saturation_rps: Highest closed-loop throughput; None when it was not measured.
        seconds: Duration of the whole test, waiting for the server included.
        wait_seconds: Of these, waiting until the server was ready.
        slo_ms: Bound on the latency; None for no bound.
        slo_ttft_ms: Bound on the time to the first token; None for no bound.
        slo_tpot_ms: Bound on the time per output token after the first; None for no bound.
        slo_percentile: Percentage of requests that must meet the bounds.
        cost: Price of the configuration in the unit of the given prices; None without prices.
        rps_per_dollar: ``peak_rps / cost`` (Eq. 7 of the paper); None without prices.
        protocol: Protocol of the requests.
        model: Name of the served model; empty for plain HTTP.
        probes: Every probe in order of time.
    """

    peak_rps: float
    peak_rps_low: float
    peak_rps_high: float
    feasible: int
    reason: str
    client_limited: int
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p99_ms: float | None
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    tpot_p50_ms: float | None
    tpot_p99_ms: float | None
    output_tokens_per_second: float | None
    goodput_rps: float
    error_rate: float
    saturation_rps: float | None
    seconds: float
    wait_seconds: float
    slo_ms: float | None
    slo_ttft_ms: float | None
    slo_tpot_ms: float | None
    slo_percentile: float
    cost: float | None
    rps_per_dollar: float | None
    protocol: str
    model: str
    probes: tuple[Probe, ...]

    @property
    def slo_text(self) -> str:
        """The SLO in words: "p99 ≤ 200 ms", or "p99: TTFT ≤ 500 ms, TPOT ≤ 50 ms"."""
        bounds = {"": self.slo_ms, "TTFT ": self.slo_ttft_ms, "TPOT ": self.slo_tpot_ms}
        known = [f"{name}≤ {bound:g} ms" for name, bound in bounds.items() if bound is not None]
        if self.slo_ms is not None and len(known) == 1:
            return f"p{self.slo_percentile:g} {known[0]}"
        return f"p{self.slo_percentile:g}: {', '.join(known)}"

    def metrics(self) -> dict[str, float]:
        """Every numeric field by name, None left out: what a collector may report to Katib."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: float(v) for name, v in values.items() if isinstance(v, int | float)}


def to_json(report: LoadReport) -> str:
    """Renders a report as the text of a result file."""
    fields = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(report)}
    return json.dumps(fields, indent=1, allow_nan=False)


def from_json(text: str) -> LoadReport:
    """Parses the text of a result file.

    Raises:
        ReportError: the text is not JSON, or a field is missing, unknown or of the wrong type.
    """
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ReportError(f"A result file must be JSON, but: {error}.") from None
    if not isinstance(fields, dict):
        raise ReportError(f"A result file must hold an object, but got {type(fields).__name__}.")
    version = fields.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise ReportError(f"schema_version must be {SCHEMA_VERSION}, but got {version!r}.")
    probes = fields.get("probes")
    if not isinstance(probes, list) or not all(isinstance(probe, dict) for probe in probes):
        raise ReportError(f"probes must be a list of objects, but got {probes!r:.80}.")
    parsed = tuple(Probe(**_checked(Probe, p, f"probes[{i}].")) for i, p in enumerate(probes))
    return LoadReport(**_checked(LoadReport, {**fields, "probes": parsed}, ""))


def write(report: LoadReport, path: Path) -> None:
    """Writes a result file in one step: a reader sees all of it or none.

    Raises:
        OSError: the folder is missing, full or read-only; nothing is left of the attempt.
    """
    scratch = _scratch(path)
    try:
        _fill(scratch, to_json(report).encode())
        scratch.replace(path)
    except BaseException:
        _remove(scratch)
        raise


def check_room(path: Path) -> None:
    """Fails before a measurement, not after it, when its result could not be kept.

    Raises:
        OSError: a file of the size of a large result cannot be written there.
    """
    scratch = _scratch(path)
    try:
        _fill(scratch, os.urandom(_MOST_BYTES))  # some file systems make zeros vanish
    except OSError as error:
        raise OSError(
            f"--result must be a file that can take {_MOST_BYTES // 1024} KiB, but {path} cannot: "
            f"{error}"
        ) from None
    finally:
        _remove(scratch)


def _scratch(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def _fill(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # a full disk may show only now


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # what made the attempt fail may stand in the way here too
        path.unlink()


def read(path: Path) -> LoadReport:
    """Reads a result file.

    Raises:
        OSError: the file cannot be read.
        ReportError: the file breaks the schema.
    """
    try:
        return from_json(path.read_text())
    except UnicodeDecodeError as error:
        raise ReportError(f"A result file must be UTF-8, but: {error}.") from None


def _checked(kind: type, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    specs = {f.name: f.type for f in dataclasses.fields(kind)}
    if missing := specs.keys() - fields.keys():
        raise ReportError(f"{where}{min(missing)} must be present, but is missing.")
    if unknown := fields.keys() - specs.keys():
        raise ReportError(f"{where}{min(unknown)} is not a field of schema {SCHEMA_VERSION}.")
    for name, value in fields.items():
        if not _fits(value, specs[name]):
            raise ReportError(f"{where}{name} must be {specs[name]}, but got {value!r:.80}.")
    return dict(fields)


def _fits(value: object, spec: Any) -> bool:
    kinds = get_args(spec) or (spec,)
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if type(value) is int and float in kinds:
        return True
    return type(value) in kinds or get_origin(spec) is tuple
