"""The types of GPU of a space as cards that the simulator knows, and shares of their memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.gpu import KNOWN_GPUS, Gpu
from suggestion.knob_values import Column, gpu_model, types_of_gpu
from suggestion.knobs import GPU_MEMORY

Array = NDArray[np.float64]

# Stands in for a card that is not known.
_UNKNOWN = KNOWN_GPUS["A10"]


@dataclass(frozen=True)
class Cards:
    """The types of GPU of a space; a single one that is not known when no knob chooses.

    Attributes:
        gpus: One a type.
        is_known: Whether each is what the space asks for, or a stand-in, shape ``[len(gpus)]``.
        index: Type at each point, shape ``[n]``.
    """

    gpus: tuple[Gpu, ...]
    is_known: NDArray[np.bool_]
    index: NDArray[np.int64]

    @property
    def at_points(self) -> tuple[Gpu, ...]:
        """The card at each point."""
        return tuple(self.gpus[i] for i in self.index)


def cards_of(columns: Mapping[str, Column], num_points: int) -> Cards:
    """Reads the cards off the knob columns of points."""
    column = types_of_gpu(columns)
    if column is None:
        return Cards((_UNKNOWN,), np.zeros(1, np.bool_), np.zeros(num_points, dtype=np.int64))
    known = {gpu_model(name): gpu for name, gpu in KNOWN_GPUS.items()}
    found = [known.get(gpu_model(text)) for text in column.texts]
    return Cards(
        tuple(gpu or _UNKNOWN for gpu in found),
        np.array([gpu is not None for gpu in found]),
        column.index.round().astype(np.int64),
    )


def memory_share(columns: Mapping[str, Column], cards: Cards) -> Array:
    """Share of the card's memory at each point; all of it when no knob says, shape ``[n]``."""
    if GPU_MEMORY not in columns:
        return np.ones(len(cards.index))
    column = columns[GPU_MEMORY]
    if not column.is_bytes:
        return column.numbers
    whole = np.array([gpu.memory_bytes for gpu in cards.gpus])[cards.index]
    return np.asarray(np.minimum(column.numbers / whole, 1.0))
