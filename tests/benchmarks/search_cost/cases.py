"""Small cases with a known truth."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_cost.case import Case

PARAMETERS = {
    "cpu_cores": ("1", "2", "3"),
    "batch_size": ("1", "2", "4", "8"),
    "gpu_type": ("T4", "V100"),
}
KINDS = {"cpu_cores": "int", "batch_size": "discrete", "gpu_type": "categorical"}
SIZE = 24


def case(
    values: NDArray[np.float64], name: str = "w/s/1", initial_points: tuple[int, ...] = ()
) -> Case:
    return Case(
        name=name,
        world="w",
        service=name.split("/")[1],
        family=name.split("/")[1],
        parameters=PARAMETERS,
        kinds=KINDS,
        values=np.asarray(values, dtype=np.float64),
        initial_points=initial_points,
    )


def bump(peak: int, name: str = "w/s/1") -> Case:
    """Falls by 1 with every step away from the peak's index; every configuration runs."""
    return case(100.0 - np.abs(np.arange(SIZE) - peak), name)


def half_infeasible() -> Case:
    """Two thirds of the space do not run; the best that runs is the last configuration."""
    values = np.zeros(SIZE)
    values[16:] = np.arange(1, 9)
    return case(values)
