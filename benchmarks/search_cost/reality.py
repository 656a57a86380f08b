"""What a real cluster does and the library's prior does not know: roughness and interference."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suggestion.gpu import GPUS, Gpu
from suggestion.serving_simulator import Array, Configurations, ServiceParameters, peak_rps

_HARD_RANGE = 0.3
# Requests/s below which a load test of minutes sees too few requests to confirm a percentile.
_SLOWEST = 0.5


@dataclass(frozen=True)
class Reality:
    """One cluster.

    Attributes:
        gpus: Name to the card as it behaves there.
        kernel_wiggle: Standard deviation of the log rate, drawn for each pair of card and batch
            size (and time share): kernels are chosen anew for each shape.
        core_wiggle: Likewise for each pair of card and number of cores.
        interference: Share by which pre-processing on the same single core slows the launches;
            c cores leave 1/c of it.
        cliff: Factor on what slow kernels cost when workspace is short.
        seed: Of all draws.
    """

    gpus: Mapping[str, Gpu]
    kernel_wiggle: float
    core_wiggle: float
    interference: float
    cliff: float
    seed: int


def ordinary_reality(seed: int = 0) -> Reality:
    """Cards as the prior has them; 3 % and 1.5 % of roughness."""
    return Reality(GPUS, 0.03, 0.015, interference=0.3, cliff=1.0, seed=seed)


def off_reality(seed: int) -> Reality:
    """Speeds of each card off by up to 30 %; all else as ordinary."""
    return Reality(_other_cards(seed), 0.03, 0.015, interference=0.3, cliff=1.0, seed=seed)


def hard_reality(seed: int) -> Reality:
    """Speeds of each card off by up to 30 %, 10 % of roughness, the other effects doubled."""
    return Reality(_other_cards(seed), 0.10, 0.015, interference=0.6, cliff=2.0, seed=seed)


def _other_cards(seed: int) -> dict[str, Gpu]:
    """Memory and prices stay: those are read off a data sheet, not estimated."""
    rng = np.random.default_rng([seed, 30])
    low, high = 1 - _HARD_RANGE, 1 + _HARD_RANGE
    return {
        name: replace(
            gpu,
            attainable_flops=gpu.attainable_flops * rng.uniform(low, high),
            bytes_per_second=gpu.bytes_per_second * rng.uniform(low, high),
            copy_bytes_per_second=gpu.copy_bytes_per_second * rng.uniform(low, high),
        )
        for name, gpu in GPUS.items()
    }


def real_rps(name: str, service: ServiceParameters, at: Configurations, reality: Reality) -> Array:
    """Highest rate within the SLO, shape ``[n]``; 0 where the service does not run.

    Args:
        name: Of the service; with the reality's seed it fixes the roughness.
        service: Its parameters.
        at: Configurations; only the names of their cards count.
        reality: The cluster.
    """
    at = replace(at, gpus=tuple(reality.gpus[gpu.name] for gpu in at.gpus))
    rates = np.zeros(len(at.gpus))
    for cores in np.unique(at.cpu_cores):
        here = at.cpu_cores == cores
        slowed = replace(
            service,
            dispatch_seconds=service.dispatch_seconds * (1 + reality.interference / cores),
            slow_kernels=1 + (service.slow_kernels - 1) * reality.cliff,
        )
        rates[here] = peak_rps(slowed, _subset(at, here))
    rng = np.random.default_rng([reality.seed, zlib.crc32(name.encode())])
    cards = np.array([list(reality.gpus).index(gpu.name) for gpu in at.gpus], dtype=float)
    shapes = np.stack([cards, at.batch_size, at.time_share], axis=1)
    rates *= _roughness(rng, shapes, reality.kernel_wiggle)
    rates *= _roughness(rng, np.stack([cards, at.cpu_cores], axis=1), reality.core_wiggle)
    return np.where(rates < _SLOWEST, 0.0, rates)


def _roughness(rng: np.random.Generator, keys: Array, deviation: float) -> Array:
    """One log-normal factor a distinct row of ``keys``, shape ``[n]``."""
    distinct, which = np.unique(keys, axis=0, return_inverse=True)
    factors = np.exp(deviation * rng.standard_normal(len(distinct)))
    return np.asarray(factors[which.ravel()])


def _subset(at: Configurations, here: NDArray[np.bool_]) -> Configurations:
    return Configurations(
        at.cpu_cores[here],
        at.batch_size[here],
        at.memory_share[here],
        at.time_share[here],
        tuple(gpu for gpu, chosen in zip(at.gpus, here, strict=True) if chosen),
    )
