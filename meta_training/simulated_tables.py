"""Profile tables of simulated services: examples of the format, to try a search on."""

import numpy as np

from meta_training.prior import draw_service
from meta_training.profile_table import ProfileTable
from meta_training.service_grids import grid_of
from suggestion.gpu import GPUS
from suggestion.serving_simulator import peak_rps

# The space of the Morphling paper's section 6.1; the prices are of its first objective.
_KNOBS = {
    "cpu_cores": ("1", "2", "3", "4", "5"),
    "gpu_memory_percent": ("5", "10", "15", "20", "30", "40"),
    "batch_size": ("1", "2", "4", "8", "16", "32", "64", "128"),
    "gpu_type": tuple(GPUS),
}


def simulated_tables(seed: int, count: int) -> list[ProfileTable]:
    """Draws services that run somewhere on the 720 configurations, each with its price.

    Args:
        seed: Equal seeds give equal tables.
        count: How many.
    """
    rng = np.random.default_rng(seed)
    cores, memory, batch = (
        np.array(_KNOBS[name], dtype=np.float64)
        for name in ("cpu_cores", "gpu_memory_percent", "batch_size")
    )
    at = grid_of(cores, memory / 100, batch, (1.0,), tuple(GPUS.values()))
    price = 0.2 + at.of_gpu("price") * at.memory_share + 0.02 * at.cpu_cores
    shape = tuple(len(levels) for levels in _KNOBS.values())
    tables: list[ProfileTable] = []
    while len(tables) < count:
        rps = peak_rps(draw_service(rng), at)
        if (rps > 0).any():
            name = f"simulated-{len(tables):03d}"
            tables.append(
                ProfileTable(name, name, _KNOBS, rps.reshape(shape), price.reshape(shape))
            )
    return tables
