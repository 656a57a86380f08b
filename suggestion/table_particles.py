"""Particles from profile tables: warped services on the grid of an Experiment."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suggestion.knob_values import Column, read_levels, same_text
from suggestion.knobs import GPU_TYPE
from suggestion.library import TableGroup
from suggestion.prices import Prices
from suggestion.table_warping import Tables, warp_tables

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]
Members = NDArray[np.int64] | slice
_PRICE_OF_GPU = 0.35
# A level of the Experiment that no table has is taken as another one, drawn for each particle.
_NO_LEVEL = -1.0


def knows(group: TableGroup, columns: Mapping[str, Column]) -> bool:
    """Whether the tables are about an Experiment: two and half of their knobs, and their levels."""
    shared = [knob for knob in group.knobs if knob in columns]
    if len(shared) < max(2, (len(group.knobs) + 1) // 2):
        return False
    return all(_known_share(knob, group.knobs[knob], columns[knob]) >= 0.5 for knob in shared)


def _known_share(knob: str, levels: tuple[str, ...], column: Column) -> float:
    read = read_levels(knob, knob, levels)
    if read is not None and len(column.levels):
        low, high = read[0].min(), read[0].max()
        inside = (column.levels >= low * 0.99) & (column.levels <= high * 1.01)
        return float(inside.mean())
    if not column.texts:
        return 0.0
    return float(np.mean([any(same_text(knob, a, b) for b in levels) for a in column.texts]))


@dataclass(frozen=True)
class TableParticles:
    """Warped services of one group, with what an Experiment leaves open drawn for each.

    Attributes:
        group: The tables.
        count: P, how many particles.
        prices: The Experiment's own; None when unknown.
        priced_share: Share of the particles that are divided by prices, when these are unknown.
        seed: Seed of what is drawn.
    """

    group: TableGroup
    count: int
    prices: Prices | None
    priced_share: float
    seed: int

    def __len__(self) -> int:
        return self.count

    @cached_property
    def _services(self) -> Tables:
        is_ordered = tuple(
            read_levels(knob, knob, levels) is not None for knob, levels in self.group.knobs.items()
        )
        return warp_tables(self.group.tables, self.group.shape, is_ordered, self.count, self.seed)

    def objective(
        self, columns: Mapping[str, Column], num_points: int, members: Members
    ) -> Array32:
        """Objective of p of the particles, 0 where they do not run, shape ``[p, n]``."""
        rng = np.random.default_rng(self.seed + 1)
        speed, runs = self._services.speed[members], self._services.runs[members]
        speed = speed - speed.max(axis=1, keepdims=True)
        if self.prices is None and self.group.price is not None:
            speed = speed - self._drawn_log_price(rng, members)
        places = [
            _places(knob, levels, columns.get(knob), self.count, rng)
            for knob, levels in self.group.knobs.items()
        ]
        places = [place if len(place) == 1 else place[members] for place in places]
        log, is_running = _gathered(speed, runs, self.group.shape, places)
        rate = np.where(is_running, np.exp(log), np.float32(0))
        if self.prices is not None:
            rate = rate / self.prices.of(columns, num_points)
        return np.asarray(rate, dtype=np.float32)

    def _drawn_log_price(self, rng: np.random.Generator, members: Members) -> Array32:
        """Of half of the priced particles the tables' own, of the others prices of other days."""
        assert self.group.price is not None
        log = np.log(self.group.price)[None]
        if GPU_TYPE in self.group.knobs:
            axis = list(self.group.knobs).index(GPU_TYPE)
            index = np.indices(self.group.shape)[axis].ravel()
            changed = rng.normal(0, _PRICE_OF_GPU, (self.count, self.group.shape[axis]))
            changed = changed * (rng.random((self.count, 1)) < 0.5)
            log = log + changed[members][:, index]
        is_priced = rng.random((self.count, 1)) < self.priced_share
        return np.asarray(log * is_priced[members], dtype=np.float32)


def _places(
    knob: str,
    levels: tuple[str, ...],
    column: Column | None,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """Position of each point among a knob's levels, shape ``[1 or P, n]``, fractional between."""
    drawn = rng.integers(len(levels), size=(count, 1)).astype(np.float64)
    if column is None:
        return drawn
    read = read_levels(knob, knob, levels)
    if read is not None and len(column.numbers):
        numbers, at = read[0], column.numbers
        if (numbers > 0).all() and (at > 0).all():
            numbers, at = np.log(numbers), np.log(at)
        return np.interp(at, numbers, np.arange(len(levels)))[None]
    found = [
        next(
            (float(i) for i, level in enumerate(levels) if same_text(knob, text, level)), _NO_LEVEL
        )
        for text in column.texts
    ]
    place = np.array(found)[column.index.round().astype(int)][None]
    return np.where(place == _NO_LEVEL, drawn, place) if _NO_LEVEL in found else place


def _gathered(
    speed: Array32, runs: NDArray[np.bool_], shape: tuple[int, ...], places: list[Array]
) -> tuple[Array32, NDArray[np.bool_]]:
    """Reads tables at places: multi-linear speed, and whether the nearest configuration runs."""
    nearest = _read(runs, shape, [place.round() for place in places])
    lows = [np.floor(place) for place in places]
    shares = [place - low for place, low in zip(places, lows, strict=True)]
    between = [axis for axis, share in enumerate(shares) if share.any()]
    total: Array32 = np.zeros((1, 1), dtype=np.float32)
    for corner in itertools.product((0, 1), repeat=len(between)):
        at, weight = list(lows), np.ones((1, 1))
        for axis, side in zip(between, corner, strict=True):
            at[axis] = np.minimum(lows[axis] + side, shape[axis] - 1)
            weight = weight * (shares[axis] if side else 1 - shares[axis])
        read = np.asarray(_read(speed, shape, at), dtype=np.float32)
        total = total + read * weight.astype(np.float32)
    return total, np.asarray(nearest, dtype=np.bool_)


def _read(
    tables: NDArray[np.generic], shape: tuple[int, ...], places: list[Array]
) -> NDArray[np.generic]:
    index = np.zeros((1, 1), dtype=np.int64)
    for size, place in zip(shape, places, strict=True):
        index = index * size + place.astype(np.int64)
    if len(index) == 1:
        return tables[:, index[0]]
    return np.take_along_axis(tables, index, axis=1)
