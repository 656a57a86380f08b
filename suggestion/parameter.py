"""Tunable parameters: finite grids and continuous ranges, and their values as Katib's text."""

import enum
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

# A grid with more values is kept as a range with a step: its values could not be listed.
_MAX_GRID_VALUES = 2000


class Distribution(enum.Enum):
    """How candidates of a numeric parameter are spread over its range."""

    UNIFORM = "uniform"
    LOG_UNIFORM = "logUniform"
    NORMAL = "normal"
    LOG_NORMAL = "logNormal"

    @property
    def is_log(self) -> bool:
        return self in (Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL)

    @property
    def is_normal(self) -> bool:
        return self in (Distribution.NORMAL, Distribution.LOG_NORMAL)


@dataclass(frozen=True)
class Grid:
    """A parameter with a finite list of values.

    Attributes:
        name: Name of the parameter.
        values: The texts that are handed out.
        positions: Where each value lies on an ordered axis, ascending in [0, 1], shape ``[k]``;
            empty when the values have no order.
        numbers: The values as numbers; empty when they are not all numbers.
        shares: Prior share of each value, shape ``[k]``; sums to 1.
    """

    name: str
    values: tuple[str, ...]
    positions: tuple[float, ...]
    numbers: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def is_ordered(self) -> bool:
        return bool(self.positions)

    def text(self, index: float) -> str:
        """Renders the value at an index."""
        return self.values[round(index)]

    def coordinate(self, text: str) -> float | None:
        """Index of a value, fractional between grid points; None when it is not in the space."""
        if text in self.values:
            return float(self.values.index(text))
        try:
            number = float(text)
        except ValueError:
            return None
        if not self.numbers or not math.isfinite(number):
            return None
        order = np.argsort(self.numbers)
        ascending = np.array(self.numbers)[order]
        if not ascending[0] <= number <= ascending[-1]:
            return None
        if not self.is_ordered:
            return float(order[np.abs(ascending - number).argmin()])
        return float(np.interp(number, ascending, order.astype(float)))


@dataclass(frozen=True)
class Range:
    """A continuous parameter, or one with more steps than can be listed.

    Attributes:
        name: Name of the parameter.
        low: Smallest value.
        high: Largest value.
        distribution: Which axis is even, and where the prior mass lies.
        step: Distance of the values from ``low`` upwards; None for a continuous parameter.
    """

    name: str
    low: float
    high: float
    distribution: Distribution
    step: Decimal | None = None

    def text(self, unit: float) -> str:
        """Renders the value at a position in [0, 1]."""
        if self.step is not None:
            low = Decimal(repr(self.low))
            steps = round((Decimal(repr(self.from_unit(unit))) - low) / self.step)
            last = int((Decimal(repr(self.high)) - low) / self.step)
            return _plain(low + self.step * min(steps, last))
        # Twelve digits are far below any effect and spare the user 0.30000000000000004.
        number = float(f"{self.from_unit(unit):.12g}")
        return repr(min(self.high, max(self.low, number)))

    def to_unit(self, number: float) -> float:
        """Position of a value on the axis, in [0, 1] for values inside the range."""
        if self.low == self.high:
            return 0.5
        low, high, value = (self._warp(v) for v in (self.low, self.high, number))
        return (value - low) / (high - low)

    def from_unit(self, unit: float) -> float:
        """Value at a position in [0, 1]."""
        low, high = self._warp(self.low), self._warp(self.high)
        value = low + unit * (high - low)
        return min(self.high, max(self.low, math.exp(value) if self._is_log else value))

    def quantile(self, share: float) -> float:
        """Position on the axis below which ``share`` of the prior mass lies."""
        if not self.distribution.is_normal:
            return share
        # The normal is centred on the range with a sixth of it as deviation, cut at the ends
        # (the hyperopt convention in Katib); the mass outside three deviations is spread inside.
        low, high = ndtr(-3.0), ndtr(3.0)
        return float((ndtri(low + share * (high - low)) + 3) / 6)

    def coordinate(self, text: str) -> float | None:
        try:
            number = float(text)
        except ValueError:
            return None
        if not math.isfinite(number) or not self.low <= number <= self.high:
            return None
        return self.to_unit(number)

    @property
    def _is_log(self) -> bool:
        return self.distribution.is_log

    def _warp(self, number: float) -> float:
        return math.log(number) if self._is_log else number


Parameter = Grid | Range


def stepped(name: str, low: Decimal, high: Decimal, step: Decimal, prior: Range) -> Parameter:
    """The values ``low, low + step, ...`` up to ``high``, in exact decimal arithmetic.

    Args:
        name: Name of the parameter.
        low: First value.
        high: Upper limit, inclusive when the steps meet it.
        step: Above 0.
        prior: The range with its distribution: gives the axis and the shares.
    """
    count = int((high - low) / step) + 1
    if count > _MAX_GRID_VALUES:
        return Range(name, prior.low, prior.high, prior.distribution, step)
    numbers = [low + step * index for index in range(count)]
    positions = [prior.to_unit(float(number)) for number in numbers]
    return Grid(
        name=name,
        values=tuple(_plain(number) for number in numbers),
        positions=tuple(positions),
        numbers=tuple(float(number) for number in numbers),
        shares=_shares(positions, prior),
    )


def list_grid(name: str, values: tuple[str, ...], is_categorical: bool) -> Grid:
    """A parameter given by its list of values.

    A discrete list of numbers becomes an ordered axis; text, and a categorical list, does not.
    """
    numbers = () if is_categorical else _numbers(values)
    shares = tuple(1 / len(values) for _ in values)
    if not numbers:
        return Grid(name=name, values=values, positions=(), numbers=(), shares=shares)
    order = np.argsort(numbers, kind="stable")
    ascending = np.array(numbers)[order]
    return Grid(
        name=name,
        values=tuple(values[index] for index in order),
        positions=_axis(ascending),
        numbers=tuple(ascending.tolist()),
        shares=shares,
    )


def _axis(ascending: NDArray[np.float64]) -> tuple[float, ...]:
    if len(ascending) == 1:
        return (0.5,)
    rank = np.linspace(0, 1, len(ascending))
    # Half the rank, half the value on the scale that is nearer to even, linear or logarithmic
    # (1, 2, 4, ...): whoever writes a list means its neighbours to differ about equally, but in
    # 1, 2, 1000 there is a gap.
    scales = [ascending] if ascending[0] <= 0 else [ascending, np.log(ascending)]
    scaled = [(scale - scale[0]) / (scale[-1] - scale[0]) for scale in scales]
    best = min(scaled, key=lambda scale: float(np.abs(scale - rank).max()))
    return tuple(((rank + best) / 2).tolist())


def _numbers(values: tuple[str, ...]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except ValueError:
        return ()
    is_usable = all(map(math.isfinite, numbers)) and len(set(numbers)) == len(numbers)
    return numbers if is_usable else ()


def _shares(positions: Sequence[float], prior: Range) -> tuple[float, ...]:
    if not prior.distribution.is_normal or len(positions) == 1:
        # Equal shares on the axis of the distribution: on a log axis small values get more.
        edges = [(a + b) / 2 for a, b in itertools.pairwise(positions)]
    else:
        edges = [float(ndtr(3 * (a + b - 1))) for a, b in itertools.pairwise(positions)]
    mass = np.diff(np.array([0.0, *edges, 1.0]))
    return tuple((np.maximum(mass, 1e-9) / np.maximum(mass, 1e-9).sum()).tolist())


def _plain(number: Decimal) -> str:
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text
