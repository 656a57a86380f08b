"""Particles: prior services as surfaces of the objective over an Experiment's points."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suggestion import simulated_particles, table_particles
from suggestion.candidates import MAX_ENUMERATED, quasi_random
from suggestion.knob_values import Column, columns_of
from suggestion.library import Library, TableGroup
from suggestion.prices import Prices
from suggestion.search_space import Point, SearchSpace
from suggestion.simulated_particles import Members, SimulatedParticles
from suggestion.table_particles import TableParticles

Array32 = NDArray[np.float32]
# Objectives are compared to this power: differences among bad configurations hardly matter.
POWER = 0.3
_SEED = 20211101
_MAX_PARTICLES = 6000
# Particles times points that are kept: 32 MB as single precision.
_MAX_ENTRIES = 8_000_000
# Particles at a time: temporaries stay small.
_BLOCK = 500
_TINY = np.float32(1e-30)
# Points of a space that is too large to be listed.
_SAMPLED_POINTS = 2048
# Rates are the objective in some Experiments, rates per price in others.
_PRICED_SHARE = {"rate": 0.1, "per_price": 0.95, "unknown": 0.65, "no_rate": 0.65}


ALL = slice(None)


class Source(Protocol):
    """Particles of one kind."""

    def __len__(self) -> int: ...

    def objective(
        self, columns: Mapping[str, Column], num_points: int, members: Members
    ) -> Array32: ...


@dataclass(frozen=True)
class Particles:
    """All P particles for one space.

    Attributes:
        space: The space.
        knobs: Knob to parameter name.
        sources: Where they come from, of equal weight together.
        description: What they are, for the log.
    """

    space: SearchSpace
    knobs: Mapping[str, str]
    sources: tuple[Source, ...]
    description: str

    @cached_property
    def log_prior(self) -> NDArray[np.float64]:
        """Logarithm of each particle's prior weight, shape ``[P]``."""
        return np.concatenate([np.full(len(s), -np.log(len(s))) for s in self.sources])

    def surfaces(self, points: Sequence[Point], members: Members = ALL) -> Array32:
        """Objective of p particles over its largest value, to the power ``POWER``.

        Args:
            points: n of them.
            members: Which particles, ascending.

        Returns:
            Shape ``[p, n]``; 0 where the service does not run.
        """
        if not points:
            return np.empty((len(self.log_prior[members]), 0), dtype=np.float32)
        if self.space.size <= MAX_ENUMERATED:
            index, surfaces = self._whole
            known = [index.get(point, -1) for point in points]
            if min(known, default=0) >= 0:
                return np.asarray(surfaces[members][:, known])
        return self._transformed(self._evaluated(points, members), members)

    def _transformed(self, objective: Array32, members: Members) -> Array32:
        return np.asarray((objective / self._tops[members, None]) ** np.float32(POWER))

    @cached_property
    def _whole(self) -> tuple[dict[Point, int], Array32]:
        """All of a space that can be listed: the index of each point, and the surfaces."""
        points = self.space.enumerate()
        surfaces = self._evaluated(points, ALL)
        tops = np.maximum(surfaces.max(axis=1, keepdims=True), _TINY)
        surfaces /= tops
        np.power(surfaces, np.float32(POWER), out=surfaces)
        return {point: i for i, point in enumerate(points)}, surfaces

    @cached_property
    def _tops(self) -> Array32:
        """Largest value of each particle; over a sample when the space cannot be listed."""
        if self.space.size <= MAX_ENUMERATED:
            points = self.space.enumerate()
        else:
            sequence = quasi_random(self.space, _SEED)
            points = list(itertools.islice(sequence, _SAMPLED_POINTS))
        return np.asarray(np.maximum(self._evaluated(points, ALL).max(axis=1), _TINY))

    def _evaluated(self, points: Sequence[Point], members: Members) -> Array32:
        columns = columns_of(self.space, self.knobs, points)
        chosen = np.arange(len(self.log_prior))[members]
        result = np.empty((len(chosen), len(points)), dtype=np.float32)
        start = 0
        for source in self.sources:
            own = np.flatnonzero((chosen >= start) & (chosen < start + len(source)))
            for block in np.array_split(own, range(_BLOCK, len(own), _BLOCK)):
                result[block] = source.objective(columns, len(points), chosen[block] - start)
            start += len(source)
        return result


def particles_for(
    library: Library,
    space: SearchSpace,
    knobs: Mapping[str, str],
    prices: Prices | None,
    objective: str,
) -> Particles | None:
    """Makes the particles of a space; None when the library knows nothing about its knobs.

    Args:
        library: Prior services.
        space: What is searched.
        knobs: Knob to parameter name.
        prices: Prices that the objective is divided by; None when unknown.
        objective: ``rate``, ``per_price``, ``no_rate`` or ``unknown``.

    Raises:
        InvalidExperimentError: the prices cannot be applied to the space.
    """
    ends = [(0.0,) * len(space.parameters)]
    columns = columns_of(space, knobs, ends)
    if prices is not None:
        prices.check(columns)
    has_simulated, groups = _best_informed(library, columns)
    num_sources = has_simulated + len(groups)
    if num_sources == 0:
        return None
    num_points = int(space.size) if space.size <= MAX_ENUMERATED else _SAMPLED_POINTS
    each = min(_MAX_PARTICLES, max(200, _MAX_ENTRIES // num_points)) // num_sources
    share = _PRICED_SHARE[objective]
    sources: list[Source] = []
    names = []
    if has_simulated:
        services = library.simulated[:each]
        sources.append(SimulatedParticles(services, prices, share, _SEED))
        names.append(f"{len(services)} simulated services")
    for group in groups:
        sources.append(TableParticles(group, each, prices, share, _SEED))
        names.append(f"{each} services from {len(group.tables)} profile tables")
    return Particles(space, knobs, tuple(sources), " and ".join(names))


def _best_informed(
    library: Library, columns: Mapping[str, Column]
) -> tuple[bool, list[TableGroup]]:
    """The sources that know most of the knobs; others would take their effects for noise."""
    has_simulated = len(library.simulated) > 0 and simulated_particles.knows(columns)
    groups = [group for group in library.groups if table_particles.knows(group, columns)]
    known = [len(set(group.knobs) & set(columns)) for group in groups]
    num_simulated_knobs = len(simulated_particles.known_knobs(columns)) * has_simulated
    most = max([*known, num_simulated_knobs])
    best = [group for group, number in zip(groups, known, strict=True) if number == most]
    return has_simulated and num_simulated_knobs == most, best
