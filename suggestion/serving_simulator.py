"""Requests a second of a served model under a latency SLO, from the physics of its stages.

A request passes a CPU stage (decoding, pre-processing, RPC), waits until its batch is formed, and
is computed on a share of a GPU. Batches are padded to their size, as TensorFlow Serving does.

Symbols, one entry a configuration, shape [n]; with the constants of P services as columns of shape
[P, 1], everything becomes [P, n]:

====== ============== ==========================================================================
c      cores          CPU cores
b      requests       batch size
m, u   0 to 1         share of the card's memory, and of its compute time
s      seconds        CPU time of a request on one core
t      seconds        execution time of a batch
r      requests/s     arrival rate
====== ============== ==========================================================================

All constants of a service are in ``ServiceParameters``; those of a card in ``Gpu``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from suggestion.gpu import Gpu

Array = NDArray[np.float64]

# A percentile of 99 lies ln(100) mean residual waits deep in the exponential tail of a queue.
_TAIL = float(np.log(100))
_FIXED_POINT_STEPS = 6
# Below it a load test of minutes sees too few requests to confirm a percentile.
SLOWEST_RPS = 0.5


@dataclass(frozen=True, kw_only=True)
class ServiceParameters:
    """What sets the speed of one service, or of P services as columns of shape ``[P, 1]``.

    Attributes:
        flop: Floating-point operations of a request, multiply and add counted apart.
        weight_bytes: Weights, read once a batch.
        activation_bytes: Activations that a request writes and reads.
        live_bytes: Activations of a request that are in memory at the same time.
        request_bytes: Input of a request, copied to the card.
        num_kernels: Kernels launched a batch.
        dispatch_seconds: CPU time to launch one.
        cpu_seconds: s, decoding and pre-processing included.
        contention: Share of the CPU stage that cores cannot split (Gunther's sigma).
        coherence: Cost of each pair of cores (Gunther's kappa).
        efficiency: Share of the card's attainable FLOP/s that the kernels reach.
        runtime_bytes: Memory of the framework before any model is loaded.
        workspace_bytes: Scratch memory without which slower kernels are chosen.
        slow_kernels: Factor on the compute time then.
        slo_seconds: Bound on the 99th percentile of latency.
    """

    flop: float | Array
    weight_bytes: float | Array
    activation_bytes: float | Array
    live_bytes: float | Array
    request_bytes: float | Array
    num_kernels: float | Array
    dispatch_seconds: float | Array
    cpu_seconds: float | Array
    contention: float | Array
    coherence: float | Array
    efficiency: float | Array
    runtime_bytes: float | Array
    workspace_bytes: float | Array
    slow_kernels: float | Array
    slo_seconds: float | Array


@dataclass(frozen=True)
class Configurations:
    """Configurations to simulate, all of shape ``[n]`` or ``[P, n]``; shares are 0 to 1.

    ``gpu_factors`` corrects constants of the cards: field of ``Gpu`` to a factor, ``[P, n]``.
    """

    cpu_cores: Array
    batch_size: Array
    memory_share: Array
    time_share: Array
    gpus: tuple[Gpu, ...]
    gpu_factors: Mapping[str, Array] = field(default_factory=dict)

    def of_gpu(self, name: str) -> Array:
        """One constant of every configuration's card, shape ``[n]``; with factors ``[P, n]``."""
        nominal = np.array([getattr(gpu, name) for gpu in self.gpus], dtype=np.float64)
        return nominal * self.gpu_factors[name] if name in self.gpu_factors else nominal


def peak_rps(service: ServiceParameters, at: Configurations) -> Array:
    """Highest arrival rate that meets the SLO, shape ``[n]``; 0 where the service does not run."""
    execution = batch_seconds(service, at)
    gpu_capacity = at.batch_size / execution
    cpu_capacity = core_speedup(service, at.cpu_cores) / service.cpu_seconds
    capacity = _soft_minimum(gpu_capacity, cpu_capacity)
    # What the SLO leaves for waiting, once a request has been prepared and computed.
    budget = service.slo_seconds - service.cpu_seconds - execution
    rate = capacity
    for _ in range(_FIXED_POINT_STEPS):
        # A batch is full after b / r, or is sent half full when half the budget is gone.
        formation = np.minimum(at.batch_size / np.maximum(rate, 1e-9), budget / 2)
        left = np.maximum(budget - formation, 0)
        # M/D/1: the tail of the wait is t/2 * ln(100) * load / (1 - load), solved for the load.
        load = left / (left + 0.5 * _TAIL * execution)
        filled = np.clip(rate * formation, 1.0, at.batch_size) / at.batch_size
        rate = np.minimum(capacity, gpu_capacity * filled) * load
    return np.where((budget > 0) & has_memory(service, at) & (rate >= SLOWEST_RPS), rate, 0.0)


def _soft_minimum(a: Array, b: Array) -> Array:
    """``(a^-6 + b^-6)^(-1/6)``: of two equal stages, 0.89 of one. No powers: they are slow."""
    low, ratio = np.minimum(a, b), np.minimum(a, b) / np.maximum(a, b)
    square = ratio * ratio
    return np.asarray(low / np.cbrt(np.sqrt(1 + square * square * square)))


def batch_seconds(service: ServiceParameters, at: Configurations) -> Array:
    """t: launches, the roofline of compute and memory traffic on a time share, and the copy.

    Launches and copies do not wait for a time share: latency of a share is ``a + w / u`` in the
    measurements of iGniter (Xu et al. 2022, arXiv 2211.01713).
    """
    compute = service.flop * at.batch_size / (at.of_gpu("attainable_flops") * service.efficiency)
    traffic = service.weight_bytes + service.activation_bytes * at.batch_size
    kernels = np.maximum(compute, traffic / at.of_gpu("bytes_per_second"))
    free = at.memory_share * at.of_gpu("memory_bytes") - needed_bytes(service, at)
    kernels = np.where(free < service.workspace_bytes, kernels * service.slow_kernels, kernels)
    launches = service.num_kernels * service.dispatch_seconds
    copy = service.request_bytes * at.batch_size / at.of_gpu("copy_bytes_per_second")
    return launches + kernels / at.time_share + copy


def core_speedup(service: ServiceParameters, cpu_cores: Array) -> Array:
    """Universal scalability law: ``c / (1 + sigma (c - 1) + kappa c (c - 1))`` (Gunther 2007)."""
    more = cpu_cores - 1
    return cpu_cores / (1 + service.contention * more + service.coherence * cpu_cores * more)


def needed_bytes(service: ServiceParameters, at: Configurations) -> Array:
    """Memory of framework, weights and a batch's live activations, shape ``[n]``."""
    return service.runtime_bytes + service.weight_bytes + service.live_bytes * at.batch_size


def has_memory(service: ServiceParameters, at: Configurations) -> NDArray[np.bool_]:
    """Whether the model fits into its share of the card, shape ``[n]``."""
    return needed_bytes(service, at) <= at.memory_share * at.of_gpu("memory_bytes")
