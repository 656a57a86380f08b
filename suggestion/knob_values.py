"""The knobs of points as numbers and texts, however the Experiment names and writes them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.knobs import GPU_TYPE, QUANTITIES, amounts, plain
from suggestion.parameter import Parameter, Range
from suggestion.search_space import Point, SearchSpace

Array = NDArray[np.float64]
_GPU_MODEL = re.compile(r"(?<![a-z0-9])(rtx ?)?([abhklmptv]\d{1,4}[a-z]?)(?![a-z0-9])")


@dataclass(frozen=True)
class Column:
    """One knob at n points.

    Attributes:
        texts: The feasible space as text; empty for a range.
        index: Position among ``texts``, shape ``[n]``; fractional between two of them.
        levels: ``texts`` as numbers in the canonical unit, or the ends of a range; empty when the
            texts are no numbers.
        numbers: The numbers at the points, shape ``[n]``; empty when there are none.
        is_bytes: Whether the numbers are bytes of GPU memory rather than a share of it.
    """

    texts: tuple[str, ...]
    index: Array
    levels: Array
    numbers: Array
    is_bytes: bool = False


def columns_of(
    space: SearchSpace, knobs: Mapping[str, str], points: Sequence[Point]
) -> dict[str, Column]:
    """Reads knobs off points.

    Args:
        space: Where the points lie.
        knobs: Knob to parameter name.
        points: n of them.

    Returns:
        Knob to column; a quantity whose values make no sense as such is left out.
    """
    names = [parameter.name for parameter in space.parameters]
    coordinates = np.array(points, dtype=np.float64).reshape(len(points), len(names))
    found = {}
    for knob, name in knobs.items():
        position = names.index(name)
        column = _column(knob, space.parameters[position], coordinates[:, position])
        if column is not None:
            found[knob] = column
    return found


def _column(knob: str, parameter: Parameter, coordinates: Array) -> Column | None:
    if isinstance(parameter, Range):
        ends = read_levels(knob, parameter.name, (repr(parameter.low), repr(parameter.high)))
        if ends is None:
            return None
        scale = ends[0][1] / parameter.high if parameter.high else 1.0
        raw = np.array([parameter.from_unit(float(unit)) for unit in coordinates])
        return Column((), coordinates, ends[0], raw * scale, ends[1])
    read = read_levels(knob, parameter.name, parameter.values)
    if read is None:
        if knob in QUANTITIES:
            return None
        return Column(parameter.values, coordinates, np.empty(0), np.empty(0))
    numbers = np.interp(coordinates, np.arange(len(read[0])), read[0])
    return Column(parameter.values, coordinates, read[0], numbers, read[1])


def read_levels(knob: str, name: str, texts: Sequence[str]) -> tuple[Array, bool] | None:
    """Levels of a knob as numbers in the canonical unit; None when they are none, or no quantity.

    Returns:
        Shape ``[len(texts)]``, and whether they are bytes.
    """
    if knob in QUANTITIES:
        read = amounts(knob, name, texts)
        if read is None:
            return None
        return np.array([amount.value for amount in read]), read[0].is_bytes
    try:
        numbers = np.array([float(text) for text in texts])
    except ValueError:
        return None
    return (numbers, False) if np.isfinite(numbers).all() else None


def types_of_gpu(columns: Mapping[str, Column]) -> Column | None:
    """The knob of the type of GPU, if any; a number is none, as of a ``gpu`` that counts cards."""
    column = columns.get(GPU_TYPE)
    return None if column is None or len(column.levels) else column


def gpu_model(text: str) -> str:
    """Model of a card in any vendor's spelling: ``t4`` of ``nvidia-tesla-t4``; else plain text."""
    match = _GPU_MODEL.search(re.sub("[^a-z0-9]", " ", text.lower()))
    return match.group(2) if match else plain(text)


def same_text(knob: str, a: str, b: str) -> bool:
    """Whether two texts mean one level of a knob."""
    return gpu_model(a) == gpu_model(b) if knob == GPU_TYPE else plain(a) == plain(b)
