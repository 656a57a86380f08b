"""Grids of configurations with the request rates of many services: what tasks are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from meta_training.prior import draw_service
from meta_training.profile_table import ProfileTable
from suggestion.gpu import GPUS, KNOWN_GPUS, Gpu
from suggestion.knob_features import Array, encode
from suggestion.knobs import canonical
from suggestion.serving_simulator import Configurations, ServiceParameters, peak_rps

Array32 = NDArray[np.float32]
Indices = NDArray[np.int64]

# The Morphling paper's spaces: section 6.1 (open-source models) and 6.2 (production services).
_CORES, _MEMORY = (1, 2, 3, 4, 5), (5, 10, 15, 20, 30, 40)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
# The constants of a card in a table are known about as well as this.
_CARD_DEVIATION = 0.15
_ROUGHNESS = 0.04
_CHUNK = 50
_LEAST_FEASIBLE = 0.25
# Of the tasks, beside the simulated ones.
_WEIGHT_OF_TABLES = 0.3
# What a table without the knob is taken to have.
_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "cpu_cores": ("4",),
    "gpu_memory_percent": ("100",),
    "gpu_time_percent": ("100",),
    "batch_size": ("8",),
    "gpu_type": ("T4",),
}


@dataclass(frozen=True)
class ServiceGrid:
    """Services on one grid of N configurations.

    Attributes:
        at: The configurations.
        features: Encoded, shape ``[N, d]``.
        rps: Peak rate of each of S services, 0 where it does not run, shape ``[S, N]``.
        weight: How often tasks come from here, relative to other grids.
    """

    at: Configurations
    features: Array32
    rps: Array32
    weight: float

    def draw_objective(self, rng: np.random.Generator) -> Array:
        """A service's objective: roughened, and per dollar of a random price list or of none."""
        rates = self.rps[rng.integers(len(self.rps))].astype(np.float64)
        deviation = _ROUGHNESS * abs(rng.standard_normal())
        by_batch, by_cores = self._groups
        rough = rng.standard_normal(by_batch.max() + 1)[by_batch]
        rough += 0.5 * rng.standard_normal(by_cores.max() + 1)[by_cores]
        return np.asarray(rates * np.exp(deviation * rough) / self._draw_cost(rng))

    def draw_corners(self, rng: np.random.Generator) -> Indices:
        """Minimum and maximum of cores, memory and batch size, on one card (paper, section 6.1)."""
        chosen = self._cards == self._cards[rng.integers(len(self._cards))]
        shares = self.at.time_share[chosen]
        chosen &= self.at.time_share == rng.choice(shares)
        for values in (self.at.cpu_cores, self.at.memory_share, self.at.batch_size):
            edges = (values[chosen].min(), values[chosen].max())
            chosen &= np.isin(values, edges)
        return np.flatnonzero(chosen)

    @cached_property
    def _cards(self) -> Indices:
        """Number of the card of every configuration."""
        return np.unique([gpu.name for gpu in self.at.gpus], return_inverse=True)[1]

    @cached_property
    def _prices(self) -> Array:
        return self.at.of_gpu("price")

    @cached_property
    def _groups(self) -> tuple[Indices, Indices]:
        """Which configurations share the card and the batch size, and the card and the cores."""
        batches = np.unique(self.at.batch_size, return_inverse=True)[1]
        cores = np.unique(self.at.cpu_cores, return_inverse=True)[1]
        return self._cards * len(batches) + batches, self._cards * len(cores) + cores

    def _draw_cost(self, rng: np.random.Generator) -> Array:
        """Price of every configuration: none, the paper's form and prices, or random prices."""
        kind = rng.random()
        if kind < 0.35:
            return np.ones(len(self.features))
        spread = 0.0 if kind < 0.6 else 0.7
        factor = np.exp(spread * rng.standard_normal(self._cards.max() + 1))
        card = self._prices * factor[self._cards]
        per_core = 0.02 * np.exp(spread * rng.standard_normal()) * (rng.random() < 0.7)
        base = 0.2 * np.exp(spread * rng.standard_normal())
        share = 0.5 * (self.at.memory_share + self.at.time_share)
        share = np.where(np.ptp(self.at.time_share) > 0, share, self.at.memory_share)
        return np.asarray(base + card * share + per_core * self.at.cpu_cores)


def simulated_grids(
    rng: np.random.Generator, num_paper: int, num_production: int, num_random: int
) -> list[ServiceGrid]:
    """Simulated services: on the paper's two grids, and on grids of random levels and cards.

    Args:
        rng: Source of randomness.
        num_paper: How many services on the 720 configurations of section 6.1.
        num_production: How many on a space like the 100 of section 6.2.
        num_random: How many random grids, of 20 services each.
    """
    paper = grid_of(_CORES, np.array(_MEMORY) / 100, _BATCHES, (1.0,), tuple(GPUS.values()))
    shares = np.arange(1, 6) / 5
    production = grid_of((2, 4, 6, 8), np.arange(1, 6) / 8, (8,), shares, (GPUS["T4"],))
    grids = [
        _simulate(rng, paper, num_paper, 0.65),
        _simulate(rng, production, num_production, 0.1),
    ]
    for _ in range(num_random):
        grids.append(_simulate(rng, _random_grid(rng), 20, 0.25 / num_random))
    return grids


def grid_of(
    cores: Sequence[float] | Array,
    memory: Sequence[float] | Array,
    batches: Sequence[float] | Array,
    times: Sequence[float] | Array,
    gpus: tuple[Gpu, ...],
) -> Configurations:
    """All combinations; shares are 0 to 1; the card varies fastest."""
    mesh = np.meshgrid(cores, memory, times, batches, np.arange(len(gpus)), indexing="ij")
    c, m, t, b, g = (axis.ravel().astype(np.float64) for axis in mesh)
    return Configurations(c, b, m, t, tuple(gpus[int(index)] for index in g))


def table_grids(tables: Sequence[ProfileTable]) -> list[ServiceGrid]:
    """A user's own services, one grid each; about a quarter of the tasks come from them.

    Raises:
        ValueError: A table has a knob, or a card, that the network has no input for.
    """
    return [_of_table(table, _WEIGHT_OF_TABLES / len(tables)) for table in tables]


def _of_table(table: ProfileTable, weight: float) -> ServiceGrid:
    table = replace(table, knobs={canonical(name): v for name, v in table.knobs.items()})
    unknown = sorted(set(table.knobs) - set(_DEFAULTS))
    if unknown:
        raise ValueError(
            f"knobs must be among {', '.join(_DEFAULTS)}, but {table.service} has "
            f"{', '.join(unknown)}."
        )
    levels = {**_DEFAULTS, **table.knobs}
    cards = [name for name in levels["gpu_type"] if name not in KNOWN_GPUS]
    if cards:
        raise ValueError(
            f"gpu_type must be one of {', '.join(KNOWN_GPUS)}, but {table.service} has {cards[0]}."
        )
    order = ("cpu_cores", "gpu_memory_percent", "gpu_time_percent", "batch_size")
    cores, memory, time, batch = (np.array(levels[name], dtype=np.float64) for name in order)
    gpus = tuple(KNOWN_GPUS[name] for name in levels["gpu_type"])
    at = grid_of(cores, memory / 100, batch, time / 100, gpus)
    # The table's axes are in its own order of knobs, those that it lacks have one level.
    missing = [name for name in _DEFAULTS if name not in table.knobs]
    shaped = table.rps.reshape(*table.rps.shape, *[1] * len(missing))
    names = [*table.knobs, *missing]
    rps = shaped.transpose([names.index(name) for name in (*order, "gpu_type")]).reshape(1, -1)
    return ServiceGrid(at, encode(at).astype(np.float32), rps.astype(np.float32), weight)


def _simulate(
    rng: np.random.Generator, at: Configurations, count: int, weight: float
) -> ServiceGrid:
    rates = np.zeros((0, len(at.gpus)), dtype=np.float32)
    while len(rates) < count:
        services = [draw_service(rng) for _ in range(_CHUNK)]
        columns = {
            field.name: np.array([[getattr(service, field.name)] for service in services])
            for field in fields(ServiceParameters)
        }
        real = replace(at, gpu_factors=_card_factors(at, rng))
        rps = peak_rps(ServiceParameters(**columns), real)
        # A service that runs almost nowhere teaches nothing about speed.
        kept = np.count_nonzero(rps, axis=1) >= _LEAST_FEASIBLE * rps.shape[1]
        rates = np.concatenate([rates, rps[kept].astype(np.float32)])
    return ServiceGrid(at, encode(at).astype(np.float32), rates[:count], weight)


def _card_factors(at: Configurations, rng: np.random.Generator) -> dict[str, Array]:
    """How far each service's cards are from their constants, shape ``[_CHUNK, N]`` each."""
    names = [gpu.name for gpu in at.gpus]
    _, card = np.unique(names, return_inverse=True)
    varied = ("attainable_flops", "bytes_per_second", "copy_bytes_per_second")
    drawn = {name: rng.standard_normal((_CHUNK, card.max() + 1)) for name in varied}
    return {name: np.exp(_CARD_DEVIATION * z)[:, card] for name, z in drawn.items()}


def _random_grid(rng: np.random.Generator) -> Configurations:
    """Two to five levels of each knob, between 60 and 600 configurations."""
    while True:
        cores = np.sort(rng.choice([1, 2, 3, 4, 5, 6, 8, 10, 12, 16], rng.integers(1, 6), False))
        memory = np.sort(rng.choice(np.arange(1, 21), rng.integers(1, 7), False)) / 20
        batches = np.sort(2.0 ** rng.choice(9, rng.integers(1, 8), False))
        times = np.array([1.0])
        if rng.random() < 0.4:
            times = np.sort(rng.choice(np.arange(1, 11), rng.integers(2, 6), False)) / 10
        gpus = tuple(_random_gpu(rng, index) for index in range(rng.integers(1, 5)))
        size = len(cores) * len(memory) * len(batches) * len(times) * len(gpus)
        if 60 <= size <= 600:
            return grid_of(cores, memory, batches, times, gpus)


def _random_gpu(rng: np.random.Generator, index: int) -> Gpu:
    known = list(GPUS.values())
    if rng.random() < 0.5:
        return replace(known[rng.integers(len(known))], name=f"{index}")
    flops = np.exp(rng.uniform(np.log(2e12), np.log(6e13)))
    return Gpu(
        name=f"{index}",
        attainable_flops=flops,
        bytes_per_second=flops * np.exp(rng.uniform(np.log(0.03), np.log(0.12))),
        memory_bytes=float(rng.choice([8e9, 16e9, 24e9, 40e9, 80e9])),
        copy_bytes_per_second=float(rng.choice([12e9, 25e9])),
        price=0.4 * (flops / 3.6e12) ** 1.2 * np.exp(0.4 * rng.standard_normal()),
    )
