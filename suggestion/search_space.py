"""Search space: the parameters together, their encoding to the unit cube, and candidates.

A point has one coordinate a parameter: an index into a grid (fractional for a value between two
grid points), or a position in [0, 1] on a range. An encoded point is an array of shape ``[d]``: one
column for each ordered parameter, one for each choice of an unordered one.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suggestion.parameter import Grid, Parameter, Range

Array = NDArray[np.float64]
Point = tuple[float, ...]
_LOG_REACH = (-2.5, -0.7)


@dataclass(frozen=True)
class SearchSpace:
    """All parameters of an Experiment, in its order."""

    parameters: tuple[Parameter, ...]

    @cached_property
    def size(self) -> float:
        """Number of configurations; infinite when a parameter is continuous."""
        sizes = (len(p.values) if isinstance(p, Grid) else math.inf for p in self.parameters)
        return math.prod(sizes)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Index of the parameter that each column of an encoded point belongs to, shape ``[d]``."""
        widths = [_width(parameter) for parameter in self.parameters]
        return np.repeat(np.arange(len(widths)), widths)

    def enumerate(self) -> list[Point]:
        """Every point of a finite space; the caller has checked ``size``."""
        axes = [range(len(p.values)) for p in self.parameters if isinstance(p, Grid)]
        return [tuple(map(float, point)) for point in itertools.product(*axes)]

    def from_uniform(self, uniform: Array) -> list[Point]:
        """Maps uniform numbers, shape ``[n, number of parameters]``, to points of the prior."""
        columns = []
        for parameter, share in zip(self.parameters, uniform.T, strict=True):
            if isinstance(parameter, Grid):
                edges = np.cumsum(parameter.shares)[:-1]
                columns.append(np.searchsorted(edges, share, side="right").astype(float))
            else:
                columns.append(np.array([parameter.quantile(float(s)) for s in share]))
        return [tuple(row) for row in np.stack(columns, axis=1).tolist()]

    def encode(self, points: Sequence[Point]) -> Array:
        """Encodes points for a surrogate.

        Returns:
            An array of shape ``[n, d]``.
        """
        values = np.array(points, dtype=np.float64).reshape(len(points), len(self.parameters))
        columns = []
        for parameter, column in zip(self.parameters, values.T, strict=True):
            if isinstance(parameter, Range):
                columns.append(column[:, None])
            elif parameter.is_ordered:
                indices = np.arange(len(parameter.values))
                columns.append(np.interp(column, indices, parameter.positions)[:, None])
            else:
                choices = np.arange(len(parameter.values))
                # 1/sqrt(2): two different choices are at distance 1.
                columns.append((column.round()[:, None] == choices) * math.sqrt(0.5))
        return np.concatenate(columns, axis=1)

    def point_of(self, assignments: Mapping[str, str]) -> Point | None:
        """The point of a trial's assignments; None when they do not fit this space.

        Values between grid points, which a trial of an earlier, different space may have, keep
        their place; a trial of another Experiment (other names, values outside) does not fit.
        """
        if assignments.keys() != {parameter.name for parameter in self.parameters}:
            return None
        coordinates = [p.coordinate(assignments[p.name]) for p in self.parameters]
        if any(coordinate is None for coordinate in coordinates):
            return None
        return tuple(float(c) for c in coordinates if c is not None)

    def assignments_of(self, point: Point) -> dict[str, str]:
        """Renders a point as text, parameter by parameter in the Experiment's order."""
        return {p.name: p.text(c) for p, c in zip(self.parameters, point, strict=True)}

    def neighbours(self, point: Point, rng: np.random.Generator, count: int) -> list[Point]:
        """Points that differ from ``point`` in one or a few parameters, by much or by little.

        The reach of each is drawn from 0.3 % to 20 % of a range: how near the optimum is, nobody
        knows.
        """
        found = []
        for _ in range(count):
            moved = list(point)
            reach = 10 ** rng.uniform(*_LOG_REACH)
            is_moved = rng.random(len(moved)) < max(0.3, 1 / len(moved))
            is_moved[rng.integers(len(moved))] = True
            for index in np.flatnonzero(is_moved):
                moved[index] = _step(self.parameters[index], moved[index], reach, rng)
            found.append(tuple(moved))
        return found


def _width(parameter: Parameter) -> int:
    if isinstance(parameter, Range) or parameter.is_ordered:
        return 1
    return len(parameter.values)


def _step(parameter: Parameter, coordinate: float, reach: float, rng: np.random.Generator) -> float:
    if isinstance(parameter, Range):
        return float(np.clip(coordinate + rng.normal(0, reach), 0, 1))
    last = len(parameter.values) - 1
    if not parameter.is_ordered:
        return float(rng.integers(last + 1))
    furthest = max(1, round(reach * last))
    step = int(rng.integers(1, furthest + 1)) * (1 if rng.random() < 0.5 else -1)
    return float(np.clip(round(coordinate) + step, 0, last))
