"""Canonical knobs as inputs of the meta-learned network: physical quantities, not names.

A card enters by its constants, so that one which no task has shown still has a place.
"""

import numpy as np
from numpy.typing import NDArray

from suggestion.serving_simulator import Configurations

Array = NDArray[np.float64]

NUM_FEATURES = 9
# Changes with the meaning of any column: weights trained for another version are refused.
ENCODING_VERSION = 1

# A typical value of each quantity, and the factor by which values usually differ from it.
_CORES = (3.0, 2.0)
_BATCH = (11.0, 5.0)
_MEMORY_SHARE = (0.15, 2.0)
_MEMORY_BYTES = (2e9, 2.5)
_TIME_SHARE = (0.7, 1.8)
_FLOPS = (5e12, 2.0)
_BYTES_PER_SECOND = (270e9, 2.0)
_COPY = (12e9, 2.0)
_CARD_BYTES = (13e9, 1.5)


def encode(at: Configurations) -> Array:
    """Features of every configuration, shape ``[n, NUM_FEATURES]``, about -2 to 2.

    All of them are logarithms: a service reacts to ratios, ``log(value / typical) / log(factor)``.
    """
    card_bytes = at.of_gpu("memory_bytes")
    columns = [
        _scaled(at.cpu_cores, _CORES),
        _scaled(at.batch_size, _BATCH),
        _scaled(at.memory_share, _MEMORY_SHARE),
        _scaled(at.memory_share * card_bytes, _MEMORY_BYTES),
        _scaled(at.time_share, _TIME_SHARE),
        _scaled(at.of_gpu("attainable_flops"), _FLOPS),
        _scaled(at.of_gpu("bytes_per_second"), _BYTES_PER_SECOND),
        _scaled(at.of_gpu("copy_bytes_per_second"), _COPY),
        _scaled(card_bytes, _CARD_BYTES),
    ]
    return np.column_stack(columns)


def _scaled(values: Array, scale: tuple[float, float]) -> Array:
    typical, factor = scale
    return np.asarray(np.log(values / typical) / np.log(factor))
