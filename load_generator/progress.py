"""Shows a running load test: on the terminal, and as gauges for Prometheus."""

import contextlib
from collections.abc import Iterator
from typing import Self

from prometheus_client import CollectorRegistry, Enum, Gauge, start_http_server
from rich.console import Console

from load_generator.live_view import LiveView
from load_generator.report import LoadReport, Probe
from load_generator.snapshot import PHASES, WAITING, Snapshot


class Progress:
    """Tells what has been measured so far: a line a probe, and a live view on a terminal.

    Args:
        metrics_port: Port of ``/metrics``; 0 turns it off.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, metrics_port: int) -> None:
        # stderr, so that stdout holds nothing but the result.
        self._console = _Console(stderr=True, highlight=False)
        self._gauges = _Gauges()
        self._live: LiveView | None = None
        self._close = contextlib.ExitStack()
        if metrics_port:
            server, thread = start_http_server(metrics_port, registry=self._gauges.registry)
            self._close.callback(thread.join)
            self._close.callback(server.server_close)
            self._close.callback(server.shutdown)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close.close()

    @contextlib.contextmanager
    def live(self, budget_seconds: float, allowed_share: float) -> Iterator[None]:
        """While entered, snapshots are drawn on the terminal; where there is none, they are not.

        Args:
            budget_seconds: What the test may take once the server is ready.
            allowed_share: Share of requests that may miss the SLO.
        """
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            yield
            return
        with LiveView(self._console, budget_seconds, allowed_share) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def say(self, text: str) -> None:
        """Prints one line."""
        with self._unless_lost():
            self._console.print(text, soft_wrap=True, markup=False)

    def snapshot(self, snapshot: Snapshot) -> None:
        """Reports how things stand; meant to be called some four times a second."""
        self._gauges.snapshot(snapshot)
        if self._live is not None:
            with self._unless_lost():
                self._live.show(snapshot)

    def probe(self, probe: Probe) -> None:
        """Reports a finished probe."""
        self._gauges.probe(probe)
        if probe.offered_rps is not None:
            load = f"{probe.offered_rps:9.1f} rps offered"
        else:
            load = f"{probe.concurrency:9d} in flight  "
        p99 = "-" if probe.latency_p99_ms is None else f"{probe.latency_p99_ms:.1f} ms"
        none = "" if probe.offered_rps is None else "the client was short of CPU: once more"
        verdict = {True: "meets the SLO", False: "misses the SLO", None: none}[probe.has_met_slo]
        reason = f" ({probe.stop_reason})" if probe.stop_reason else ""
        self.say(
            f"{probe.kind:>10} {load} {probe.achieved_rps:9.1f} rps answered  p99 {p99:>10}  "
            f"{probe.num_errors:4d} errors  {probe.seconds:5.1f} s  {verdict}{reason}"
        )

    def done(self, report: LoadReport) -> None:
        """Reports the result."""
        self._gauges.done(report)

    @contextlib.contextmanager
    def _unless_lost(self) -> Iterator[None]:
        """A full disk behind stderr, or a terminal that is gone, must not end the measurement."""
        try:
            yield
        except OSError:
            self._console.quiet = True


class _Console(Console):
    """A console whose reader may leave."""

    def on_broken_pipe(self) -> None:
        """Where the usual one would end the process with nothing said."""
        self.quiet = True


class _Gauges:
    """What ``/metrics`` shows, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._phase = Enum(
            "load_test_phase", "1 for what the load test is doing, 0 for the rest",
            states=list(PHASES), registry=self.registry,
        )  # fmt: skip
        self._num_probes = self._gauge("probes", "Stretches of load finished so far")
        self._offered = self._gauge(
            "offered_rps", "Arrival rate of the open loop that runs, or of the last, in requests/s"
        )
        self._p99 = self._gauge(
            "latency_p99_ms", "99th percentile of latency in the present stretch, in milliseconds"
        )
        self._seconds = self._gauge("stretch_seconds", "Seconds since the present stretch began")
        self._num_sent = self._gauge("sent", "Requests sent in the present stretch")
        self._num_open = self._gauge("in_flight", "Requests sent and not yet answered")
        self._num_done = self._gauge("answered", "Requests answered or failed in this stretch")
        self._num_violations = self._gauge(
            "violations", "Of those answered, how many missed the SLO, errors included"
        )
        self._peak = self._gauge("peak_rps", "Peak request rate within the SLO; 0 until done")
        self._done = self._gauge("done", "1 when the result is final")
        self._phase.state(WAITING)

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(f"load_test_{name}", documentation, registry=self.registry)

    def snapshot(self, snapshot: Snapshot) -> None:
        self._phase.state(snapshot.phase)
        if snapshot.offered_rps is not None:
            self._offered.set(snapshot.offered_rps)
        self._p99.set(snapshot.p99_ms or 0)
        self._seconds.set(snapshot.seconds)
        self._num_sent.set(snapshot.num_sent)
        self._num_open.set(snapshot.num_open)
        self._num_done.set(snapshot.num_done)
        self._num_violations.set(snapshot.num_violations)

    def probe(self, probe: Probe) -> None:
        self._num_probes.inc()
        self._phase.state(probe.kind)
        self._p99.set(probe.latency_p99_ms or 0)
        if probe.offered_rps is not None:
            self._offered.set(probe.offered_rps)

    def done(self, report: LoadReport) -> None:
        self._phase.state("done")
        self._num_open.set(0)
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
        f"(SLO {report.slo_text})",
        f"error_rate      {report.error_rate:.4f}",
        f"seconds         {report.seconds:.1f}",
    ]
    if report.output_tokens_per_second is not None:
        lines.append(
            f"tokens          {report.output_tokens_per_second:.0f} a second  "
            f"TTFT p50 {report.ttft_p50_ms or 0:.0f} p99 {report.ttft_p99_ms or 0:.0f} ms  "
            f"TPOT p50 {report.tpot_p50_ms or 0:.1f} p99 {report.tpot_p99_ms or 0:.1f} ms"
        )
    if report.rps_per_dollar is not None:
        lines.append(f"rps_per_dollar  {report.rps_per_dollar:.1f}  (cost {report.cost:.4g})")
    if report.client_limited:
        lines.append(
            "client_limited  1: the load generator was short of CPU; the true peak may be higher "
            "(more cores and --processes help)"
        )
    return "\n".join(lines)
