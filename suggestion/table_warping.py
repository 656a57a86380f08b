"""Warps profile tables into new plausible services, many at once.

A table is split into speed (the logarithm of the rate, completed where the service does not run)
and whether it runs. Speed is mixed with that of another table, bent along every knob and stretched;
where it runs comes from either or a third table, is shifted by a level of an ordered knob, and in
some tables ends at a level or lacks one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MIXED, _BEYOND = 0.8, 0.4
_OTHER_RUNS = 0.5
_SHIFTED = 0.25
_CUT, _UPPER_CUT = 0.25, 0.7
_SOFTENED = 0.02
# Services at a time: temporaries stay small.
_BLOCK = 256
# Standard deviations of what is added to the logarithm of the rate.
_TILT, _BUMP, _LEVEL, _STRETCH = 0.15, 0.12, 0.1, 0.15


@dataclass(frozen=True)
class Tables:
    """T tables on one grid with the axes' sizes ``shape``, N configurations.

    Attributes:
        speed: Logarithm of the rate, finite everywhere, shape ``[T, N]``.
        runs: Where the service runs, shape ``[T, N]``.
    """

    speed: Array
    runs: Mask

    def __len__(self) -> int:
        return len(self.runs)


def warp_tables(
    tables: Tables, shape: tuple[int, ...], is_ordered: tuple[bool, ...], count: int, seed: int
) -> Tables:
    """Draws ``count`` services: the given tables first, warped ones after them.

    Args:
        tables: What to warp.
        shape: Number of levels of each knob.
        is_ordered: Whether a knob's levels have an order.
        count: How many services.
        seed: Seed; equal seeds give equal services.
    """
    rng = np.random.default_rng(seed)
    given = min(len(tables), count)
    if given == count:
        chosen = np.sort(rng.permutation(len(tables))[:count])
        return Tables(tables.speed[chosen], tables.runs[chosen])
    speed = np.empty((count, tables.speed.shape[1]), dtype=np.float32)
    runs = np.empty(speed.shape, dtype=np.bool_)
    speed[:given], runs[:given] = tables.speed, tables.runs
    for start in range(given, count, _BLOCK):
        block = slice(start, min(start + _BLOCK, count))
        _warp(tables, shape, is_ordered, rng, speed[block], runs[block])
    return Tables(speed, runs)


def _warp(
    tables: Tables,
    shape: tuple[int, ...],
    is_ordered: tuple[bool, ...],
    rng: np.random.Generator,
    speed_out: Array,
    runs_out: Mask,
) -> None:
    count = len(speed_out)
    speed, runs = _mixed(tables, rng, count)
    speed, runs = speed.reshape(count, *shape), runs.reshape(count, *shape)
    stretch = np.exp(rng.normal(0, _STRETCH, count)).astype(np.float32)
    speed = speed * stretch.reshape(-1, *[1] * len(shape))
    for axis, size in enumerate(shape):
        if is_ordered[axis] and size > 1:
            speed, runs = _shifted(speed, runs, axis + 1, rng)
        along = [1] * (len(shape) + 1)
        along[0], along[axis + 1] = count, size
        speed = speed + _bend(rng, count, size, is_ordered[axis]).reshape(along)
        runs = runs & _cut(rng, count, size, is_ordered[axis], len(shape)).reshape(along)
    flat = runs.reshape(count, -1)
    nowhere = ~flat.any(axis=1)
    flat[nowhere] = tables.runs[rng.integers(len(tables), size=int(nowhere.sum()))]
    speed_out[:], runs_out[:] = speed.reshape(count, -1), flat


def _mixed(tables: Tables, rng: np.random.Generator, count: int) -> tuple[Array, Mask]:
    first, second, third = rng.integers(len(tables), size=(3, count))
    share = np.where(rng.random(count) < _MIXED, rng.uniform(-_BEYOND, 1 + _BEYOND, count), 1.0)
    share = share.astype(np.float32)
    speed = share[:, None] * tables.speed[first] + (1 - share[:, None]) * tables.speed[second]
    source = np.where(share >= 0.5, first, second)
    source = np.where(rng.random(count) < _OTHER_RUNS, third, source)
    return speed, tables.runs[source]


def _shifted(speed: Array, runs: Mask, axis: int, rng: np.random.Generator) -> tuple[Array, Mask]:
    """Moves some tables by one level, as a larger or smaller model would be."""
    count, size = speed.shape[0], speed.shape[axis]
    step = np.where(rng.random(count) < _SHIFTED, rng.choice([-1, 1], count), 0)
    both = rng.random(count) < 0.5
    along = [1] * speed.ndim
    along[0], along[axis] = count, size

    def moved(array: NDArray[np.generic], steps: NDArray[np.int64]) -> NDArray[np.generic]:
        index = np.clip(np.arange(size)[None] + steps[:, None], 0, size - 1).reshape(along)
        return np.take_along_axis(array, index, axis)

    return (
        np.asarray(moved(speed, np.where(both, step, 0)), dtype=np.float32),
        np.asarray(moved(runs, step), dtype=np.bool_),
    )


def _bend(rng: np.random.Generator, count: int, size: int, is_ordered: bool) -> Array:
    if not is_ordered:
        return rng.normal(0, _LEVEL, (count, size)).astype(np.float32)
    at = np.linspace(-0.5, 0.5, size) if size > 1 else np.zeros(1)
    tilt, bump = rng.normal(0, _TILT, (count, 1)), rng.normal(0, _BUMP, (count, 1))
    return np.asarray(tilt * at + bump * (4 * at**2 - 1 / 3), dtype=np.float32)


def _cut(rng: np.random.Generator, count: int, size: int, is_ordered: bool, num_knobs: int) -> Mask:
    """Levels that are left: now and then an ordered knob ends early, or a choice is missing."""
    is_cut = (rng.random(count) < _CUT / num_knobs) & (size > 1)
    levels = np.arange(size)[None]
    if not is_ordered:
        kept = levels != rng.integers(size, size=count)[:, None]
        return np.asarray(~is_cut[:, None] | kept)
    edge = rng.integers(1, max(size, 2), size=count)[:, None]
    kept = np.where(rng.random(count)[:, None] < _UPPER_CUT, levels < edge, levels >= edge)
    return np.asarray(~is_cut[:, None] | kept)


def completed(rps: NDArray[np.float64], rank: int = 4, num_rounds: int = 60) -> Tables:
    """Speed everywhere, from tables with holes: low-rank completion of the logarithms.

    Alternates a truncated singular value decomposition with restoring what is known (Mazumder et
    al. 2010, "soft-impute").

    Args:
        rps: Rates, 0 where nothing runs, shape ``[T, N]``.
        rank: Number of directions in which services differ.
        num_rounds: Alternations.
    """
    runs = rps > 0
    log = np.log(np.where(runs, rps, 1.0))
    counts = np.maximum(runs.sum(axis=1, keepdims=True), 1)
    level = log.sum(axis=1, keepdims=True) / counts
    centred = np.where(runs, log - level, 0.0)
    column = centred.sum(axis=0) / np.maximum(runs.sum(axis=0), 1)
    filled = np.where(runs, centred, column)
    for _ in range(num_rounds):
        mean = filled.mean(axis=0)
        rest = filled - mean
        # The left singular vectors, from the small matrix of products of the tables.
        squares, vectors = np.linalg.eigh(rest @ rest.T)
        values = np.sqrt(np.maximum(squares[-rank:], 0.0))
        left = vectors[:, -rank:]
        kept = np.maximum(values - _SOFTENED * values[-1], 0.0) / np.maximum(values, 1e-12)
        filled = np.where(runs, centred, (left * kept) @ (left.T @ rest) + mean)
    return Tables((filled + level).astype(np.float32), runs)
