"""Particles from the serving simulator: thousands of services on the grid of an Experiment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.cards import Cards, cards_of, memory_share
from suggestion.knob_values import Column, types_of_gpu
from suggestion.knobs import BATCH_SIZE, CPU_CORES, GPU_MEMORY, GPU_TIME, GPU_TYPE
from suggestion.library import FIELDS
from suggestion.prices import Prices
from suggestion.serving_simulator import Configurations, ServiceParameters, peak_rps

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]
Members = NDArray[np.int64] | slice

KNOBS = (CPU_CORES, GPU_MEMORY, GPU_TIME, GPU_TYPE, BATCH_SIZE)
# Particles at a time: temporaries stay in the processor's cache.
_CHUNK = 64
# How far constants of a card may be off, and those of a card that is not known: half of the
# published speed or double, as deviations of the logarithm.
_KNOWN_GPU, _UNKNOWN_GPU = 0.15, 0.7
# Share of priced particles whose prices are drawn freely.
_FREE_PRICES = 0.5
_JITTERED = ("attainable_flops", "bytes_per_second")


def known_knobs(columns: Mapping[str, Column]) -> list[str]:
    """The simulator's knobs of an Experiment."""
    is_typed = types_of_gpu(columns) is not None
    return [knob for knob in KNOBS if knob in columns and (knob != GPU_TYPE or is_typed)]


def knows(columns: Mapping[str, Column]) -> bool:
    """Whether the simulator's knobs are a good part of an Experiment: two, one of them a GPU's."""
    known = known_knobs(columns)
    return len(known) >= 2 and any(knob in known for knob in (GPU_MEMORY, GPU_TIME, GPU_TYPE))


@dataclass(frozen=True)
class SimulatedParticles:
    """Simulated services, with what an Experiment leaves open drawn for each.

    Attributes:
        services: Parameters, shape ``[P, len(FIELDS)]``.
        prices: The Experiment's own; None when unknown.
        priced_share: Share of the particles that are divided by prices, when these are unknown.
        seed: Seed of what is drawn.
    """

    services: Array32
    prices: Prices | None
    priced_share: float
    seed: int

    def __len__(self) -> int:
        return len(self.services)

    def objective(
        self, columns: Mapping[str, Column], num_points: int, members: Members
    ) -> Array32:
        """Objective of p of the particles, 0 where they do not run, shape ``[p, n]``."""
        # What is drawn depends on the space alone, not on the points or the members.
        rng = np.random.default_rng(self.seed)
        count, services = len(self.services), self.services[members]
        cards = cards_of(columns, num_points)
        deviation = np.where(cards.is_known, _KNOWN_GPU, _UNKNOWN_GPU)
        factors = {
            name: (np.exp(rng.normal(0, 1, (count, len(cards.gpus))) * deviation))[members]
            for name in _JITTERED
        }
        open_cores = np.exp2(rng.uniform(0, 3, (count, 1))).round()[members]
        open_batch = np.exp2(rng.integers(0, 7, (count, 1)).astype(float))[members]
        memory = memory_share(columns, cards)
        at_points = cards.at_points
        result = np.empty((len(services), num_points), dtype=np.float32)
        for start in range(0, len(services), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            at = Configurations(
                _numbers(columns, CPU_CORES, open_cores[chunk]),
                _numbers(columns, BATCH_SIZE, open_batch[chunk]),
                memory,
                _numbers(columns, GPU_TIME, np.ones((1, 1))),
                at_points,
                {name: factor[chunk][:, cards.index] for name, factor in factors.items()},
            )
            fields = services[chunk].T[:, :, None].astype(np.float64)
            parameters = ServiceParameters(**dict(zip(FIELDS, fields, strict=True)))
            result[chunk] = peak_rps(parameters, at)
        if self.prices is not None:
            return np.asarray(result / self.prices.of(columns, num_points), dtype=np.float32)
        return self._priced(result, columns, memory, cards, rng, members)

    def _priced(
        self,
        rate: Array32,
        columns: Mapping[str, Column],
        memory: Array,
        cards: Cards,
        rng: np.random.Generator,
        members: Members,
    ) -> Array32:
        """Divides a share of the particles by prices, drawn for each."""
        count = len(self.services)
        # Prices of the paper's kind, and its very prices in some particles.
        is_free = rng.random((count, 1)) < _FREE_PRICES
        nominal = np.log([gpu.price for gpu in cards.gpus])
        per_gpu = np.exp(nominal + rng.normal(0, 0.5, (count, len(cards.gpus))) * is_free)
        base = np.where(is_free, np.exp(rng.uniform(np.log(0.02), np.log(0.5), (count, 1))), 0.2)
        per_core = np.exp(rng.uniform(np.log(0.005), np.log(0.06), (count, 1)))
        per_core = np.where(is_free, per_core, 0.02) * (rng.random((count, 1)) < 0.7)
        # The price of a card goes with its memory, its time or both, if they are knobs.
        share = np.where(is_free, rng.choice([0.0, 0.5, 1.0], (count, 1)), 0.5)
        time = _numbers(columns, GPU_TIME, np.ones((1, 1)))
        if GPU_TIME not in columns or GPU_MEMORY not in columns:
            share = np.full((count, 1), float(GPU_TIME in columns))
        cores = _numbers(columns, CPU_CORES, np.zeros((1, 1)))
        is_priced = rng.random(count) < self.priced_share
        for row, particle in enumerate(np.arange(count)[members]):
            if is_priced[particle]:
                used = share[particle] * time + (1 - share[particle]) * memory
                card = per_gpu[particle, cards.index] * used
                rate[row] /= (base[particle] + per_core[particle] * cores + card).ravel()
        return rate


def _numbers(columns: Mapping[str, Column], knob: str, default: Array) -> Array:
    return columns[knob].numbers if knob in columns else default
