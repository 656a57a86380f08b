"""Shows a running load test: one line a probe on the terminal, and gauges for Prometheus."""

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from rich.console import Console

from load_generator.report import LoadReport, Probe


class Progress:
    """Tells what has been measured so far.

    Args:
        metrics_port: Port of ``/metrics``; 0 turns it off.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, metrics_port: int) -> None:
        # stderr, so that stdout holds nothing but the result.
        self._console = Console(stderr=True, highlight=False)
        registry = CollectorRegistry()
        self._num_probes = Gauge("load_test_probes", "Probes done so far", registry=registry)
        self._offered = Gauge(
            "load_test_offered_rps", "Arrival rate of the last open-loop probe", registry=registry
        )
        self._p99 = Gauge(
            "load_test_latency_p99_ms", "p99 latency of the last probe", registry=registry
        )
        self._peak = Gauge(
            "load_test_peak_rps", "Peak request rate; absent value 0 until done", registry=registry
        )
        self._done = Gauge("load_test_done", "1 when the result is final", registry=registry)
        if metrics_port:
            start_http_server(metrics_port, registry=registry)

    def say(self, text: str) -> None:
        """Prints one line."""
        self._console.print(text, soft_wrap=True)

    def probe(self, probe: Probe) -> None:
        """Reports a finished probe."""
        self._num_probes.inc()
        self._p99.set(probe.latency_p99_ms or 0)
        if probe.offered_rps is not None:
            self._offered.set(probe.offered_rps)
            load = f"{probe.offered_rps:9.1f} rps offered"
        else:
            load = f"{probe.concurrency:9d} in flight  "
        p99 = "-" if probe.latency_p99_ms is None else f"{probe.latency_p99_ms:.1f} ms"
        verdict = {True: "meets the SLO", False: "misses the SLO", None: ""}[probe.has_met_slo]
        reason = f" ({probe.stop_reason})" if probe.stop_reason else ""
        self.say(
            f"{probe.kind:>10} {load} {probe.achieved_rps:9.1f} rps answered  p99 {p99:>10}  "
            f"{probe.num_errors:4d} errors  {probe.seconds:5.1f} s  {verdict}{reason}"
        )

    def done(self, report: LoadReport) -> None:
        """Reports the result."""
        self._peak.set(report.peak_rps)
        self._done.set(1)


def render(report: LoadReport) -> str:
    """The result as a few lines of text."""
    if not report.feasible:
        return f"infeasible: {report.reason}"
    lines = [
        f"peak_rps        {report.peak_rps:.1f}  "
        f"(95 % interval {report.peak_rps_low:.1f} to {report.peak_rps_high:.1f}; {report.reason})",
        f"saturation_rps  {report.saturation_rps or 0:.1f}",
        f"latency_ms      p50 {report.latency_p50_ms or 0:.1f}  "
        f"p90 {report.latency_p90_ms or 0:.1f}  p99 {report.latency_p99_ms or 0:.1f}  "
        f"(SLO p{report.slo_percentile:g} {report.slo_ms:g})",
        f"error_rate      {report.error_rate:.4f}",
        f"seconds         {report.seconds:.1f}",
    ]
    if report.rps_per_dollar is not None:
        lines.append(f"rps_per_dollar  {report.rps_per_dollar:.1f}  (cost {report.cost:.4g})")
    if report.client_limited:
        lines.append("client_limited  1: requests were sent late; the true peak may be higher")
    return "\n".join(lines)
