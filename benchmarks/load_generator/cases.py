"""The servers whose peak is looked for, and what is known of each."""

from dataclasses import dataclass
from functools import cached_property

from benchmarks.load_generator.batch_queue import BatchQueue, true_peak_rps
from benchmarks.load_generator.model_folders import MODEL
from benchmarks.load_generator.servers import (
    MlServer,
    ModelServer,
    SimulatedServer,
    TritonServer,
)

# Were every answer so late, or by this share of the SLO where that is more, the peaks here would be
# 0.3 to 1.0 % lower.
_MOST_LATE_SECONDS, _MOST_LATE_SHARE = 0.005, 0.02


@dataclass(frozen=True)
class SimulatedCase:
    """A queue, scaled in time so that its true peak is ``peak_rps``.

    Attributes:
        name: Names it on the command line.
        peak_rps: Highest Poisson rate whose 99th percentile of latency meets the SLO.
        unit_queue: The queue in any unit of time.
        unit_slo: The SLO in that unit.
    """

    name: str
    peak_rps: float
    unit_queue: BatchQueue
    unit_slo: float
    protocol: str = "http"
    model: str = ""
    remark: str = ""

    @cached_property
    def _unit_seconds(self) -> float:
        # A queue knows no unit of time: twice as slow, it has half the peak.
        return true_peak_rps(self.unit_queue, self.unit_slo) / self.peak_rps

    @property
    def queue(self) -> BatchQueue:
        return self.unit_queue.scaled(self._unit_seconds)

    @property
    def slo_ms(self) -> float:
        return self.unit_slo * self._unit_seconds * 1000

    @property
    def rough_rps(self) -> float:
        """What a user would guess; for tools that must be told where to look."""
        return self.peak_rps

    @property
    def is_light(self) -> bool:
        """Whether several may run at once: they take a few per cent of a core each."""
        return self.peak_rps <= 200

    @property
    def server(self) -> ModelServer:
        slo_seconds = self.slo_ms / 1000
        most_late = max(_MOST_LATE_SECONDS, _MOST_LATE_SHARE * slo_seconds)
        return SimulatedServer(self.queue, most_late_seconds=most_late, slo_seconds=slo_seconds)

    def describe(self) -> str:
        """The server in a few words."""
        queue = self.queue
        times = f"{queue.base_seconds * 1000:.3g} ms"
        if queue.max_batch > 1:
            times = (
                f"batches of up to {queue.max_batch}, {times} + {queue.request_seconds * 1e3:.3g} "
                f"ms a request, queue delay {queue.delay_seconds * 1000:.3g} ms"
            )
        return f"{queue.engines} x {times}; p99 within {self.slo_ms:.0f} ms"


@dataclass(frozen=True)
class RealCase:
    """A real model server, whose true peak is measured by other means; see ``truth``.

    Attributes:
        name: Names it on the command line.
        rough_rps: Where the peak is expected, within a factor of two.
        server: How it is started.
        protocol: That of the requests.
        model: Name of the served model.
        slo_ms: Bound on the 99th percentile of latency.
        text: The server in a few words.
        remark: What must be known to read its figures.
    """

    name: str
    rough_rps: float
    server: ModelServer
    protocol: str
    model: str
    slo_ms: float
    text: str
    remark: str = ""
    peak_rps: None = None
    is_light: bool = False

    def describe(self) -> str:
        """The server in a few words."""
        return f"{self.text}; p99 within {self.slo_ms:.0f} ms"


Case = SimulatedCase | RealCase

_SLOW_BATCHES = BatchQueue(1, base_seconds=5, request_seconds=1, max_batch=8, delay_seconds=2)
_FAST_BATCHES = BatchQueue(1, base_seconds=30, request_seconds=1, max_batch=64, delay_seconds=15)
_TRITON_TEXT = "Triton 2.51, Python backend that sleeps 10 ms + 1 ms a row, batches of up to 16"

_ALL: tuple[Case, ...] = (
    SimulatedCase("fixed-20", 20, BatchQueue(1, 1.0), unit_slo=10),
    SimulatedCase("fixed-50", 50, BatchQueue(2, 1.0), unit_slo=6),
    SimulatedCase("fixed-200", 200, BatchQueue(4, 1.0), unit_slo=5),
    SimulatedCase("fixed-2000", 2000, BatchQueue(8, 1.0), unit_slo=12),
    SimulatedCase("batch-30", 30, _SLOW_BATCHES, unit_slo=50),
    SimulatedCase("batch-1000", 1000, _FAST_BATCHES, unit_slo=250),
    RealCase(
        "mlserver",
        rough_rps=120,
        server=MlServer(),
        protocol="v2-rest",
        model=MODEL,
        slo_ms=300,
        text="MLServer 1.7.1, a model that sleeps 16 ms + 5 ms a row, batches of up to 16 in 40 ms",
    ),
    RealCase(
        "triton",
        rough_rps=500,
        server=TritonServer(),
        protocol="v2-rest-binary",
        model=MODEL,
        slo_ms=100,
        text=_TRITON_TEXT,
    ),
    RealCase(
        "triton-grpc",
        rough_rps=500,
        server=TritonServer(),
        protocol="v2-grpc",
        model=MODEL,
        slo_ms=100,
        text=f"{_TRITON_TEXT}, over gRPC",
    ),
)
CASES: dict[str, Case] = {case.name: case for case in _ALL}
