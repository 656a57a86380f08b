"""Functions that have nothing to do with serving, on the 720 configurations of served models."""

import itertools
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.worlds import OPEN_SOURCE, Parameters
from suggestion.covariance import matern52

Array = NDArray[np.float64]

# Of the range of a knob; categories are sqrt(2) * 0.7 of such a range apart.
_LENGTH_SCALE = 0.6
_CATEGORY = 0.7
_JITTER = 1e-8
_KINDS = {
    "cpu_cores": "int",
    "gpu_memory_percent": "discrete",
    "batch_size": "discrete",
    "gpu_type": "categorical",
}
# The same knobs under names that say nothing.
UNKNOWN_NAMES: Mapping[str, str] = {
    "cpu_cores": "alpha",
    "gpu_memory_percent": "beta",
    "batch_size": "gamma",
    "gpu_type": "delta",
}


def smooth_case(seed: int, names: Mapping[str, str] | None = None) -> Case:
    """The exponential of a draw from a Gaussian process over the levels of the knobs.

    Args:
        seed: Of the draw.
        names: Other names for the knobs; the function stays.
    """
    renamed = names or {name: name for name in OPEN_SOURCE}
    draw = _factor() @ np.random.default_rng(seed).standard_normal(len(_factor()))
    return Case(
        name=f"smooth/{seed}",
        world="smooth",
        service=f"function-{seed}",
        family=f"function-{seed}",
        parameters={renamed[name]: values for name, values in OPEN_SOURCE.items()},
        kinds={renamed[name]: kind for name, kind in _KINDS.items()},
        values=np.exp(draw),
    )


@cache
def _factor() -> Array:
    """Cholesky factor of the covariance of all configurations, unit variance."""
    x = _coordinates(OPEN_SOURCE)
    squared = ((x[:, None] - x[None]) ** 2).sum(axis=-1)
    covariance = matern52(squared / _LENGTH_SCALE**2)
    return np.linalg.cholesky(covariance + _JITTER * np.eye(len(x)))


def _coordinates(parameters: Parameters) -> Array:
    """Place of each level among its knob's, 0 to 1; a column for each category."""
    grid = np.array(list(itertools.product(*(range(len(v)) for v in parameters.values()))))
    columns = []
    for place, (name, levels) in zip(grid.T, parameters.items(), strict=True):
        if _KINDS[name] == "categorical":
            columns += [_CATEGORY * (place == number) for number in range(len(levels))]
        else:
            columns.append(place / (len(levels) - 1))
    return np.column_stack(columns).astype(np.float64)
