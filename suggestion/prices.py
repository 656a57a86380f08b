"""Prices of configurations: the Experiment's own when its settings give them, else drawn ones.

Katib's request does not say how the objective was computed. A library of rates must be divided by
the same prices to be comparable, so particles carry different ones unless they are told.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.errors import InvalidExperimentError
from suggestion.knob_values import Column, gpu_model
from suggestion.knobs import CPU_CORES, GPU_MEMORY, GPU_TIME, GPU_TYPE, TENSOR_PARALLELISM

Array = NDArray[np.float64]
PerGpu = Mapping[str, float]
# Key of a price that holds for every type of GPU.
ANY_GPU = ""


@dataclass(frozen=True)
class Prices:
    """``base + per_core * cores + num_gpus * (gpu + gpu_memory * share + gpu_time * share)``.

    The cost models of the Morphling paper, sections 6.1 and 6.2, as in the load generator; ``gpu``
    is for whole cards, of which there are as many as the degree of tensor parallelism. Each price
    of a GPU is a mapping from the type's name to the price, or from ``ANY_GPU``.
    """

    base: float = 0.0
    per_core: float = 0.0
    gpu: PerGpu | None = None
    gpu_memory: PerGpu | None = None
    gpu_time: PerGpu | None = None

    def of(self, columns: Mapping[str, Column], num_points: int) -> Array:
        """Price of each point, shape ``[n]``.

        Args:
            columns: The knobs at the points.
            num_points: n.
        """

        def share(knob: str) -> Array:
            return columns[knob].numbers if knob in columns else np.ones(num_points)

        cores = columns[CPU_CORES].numbers if CPU_CORES in columns else np.zeros(num_points)
        gpu = self._of_type(self.gpu, columns, num_points)
        gpu = gpu + self._of_type(self.gpu_memory, columns, num_points) * share(GPU_MEMORY)
        gpu = gpu + self._of_type(self.gpu_time, columns, num_points) * share(GPU_TIME)
        return self.base + self.per_core * cores + share(TENSOR_PARALLELISM) * gpu

    @staticmethod
    def _of_type(prices: PerGpu | None, columns: Mapping[str, Column], num_points: int) -> Array:
        if prices is None:
            return np.zeros(num_points)
        if ANY_GPU in prices:
            return np.full(num_points, prices[ANY_GPU])
        column = columns[GPU_TYPE]
        models = {gpu_model(name): price for name, price in prices.items()}
        levels = np.array([models[gpu_model(text)] for text in column.texts])
        return np.asarray(levels[column.index.round().astype(int)])

    def check(self, columns: Mapping[str, Column]) -> None:
        """Refuses prices that cannot be applied to a space.

        Raises:
            InvalidExperimentError: a type of GPU has no price, or a share is in bytes.
        """
        for prices in (self.gpu, self.gpu_memory, self.gpu_time):
            if prices is None or ANY_GPU in prices:
                continue
            texts = columns[GPU_TYPE].texts if GPU_TYPE in columns else ()
            priced = {gpu_model(name) for name in prices}
            missing = [text for text in texts if gpu_model(text) not in priced]
            if not texts or missing:
                raise InvalidExperimentError(
                    "A price by type of GPU must name each type of the GPU parameter, but "
                    + (f"{missing} have none." if missing else "no parameter is one.")
                )
        if self.gpu_memory is not None and GPU_MEMORY in columns and columns[GPU_MEMORY].is_bytes:
            raise InvalidExperimentError(
                "price_gpu_memory must come with a parameter that is a share of the card, but it "
                "is in bytes; price_gpu_memory 0 and price_gpu can be given instead."
            )


def parse_amount(name: str, text: str) -> float:
    """Parses a number of at least 0.

    Raises:
        InvalidExperimentError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise InvalidExperimentError(f"{name} must be a number of at least 0, but got {text!r}.")
    return value


def parse_gpu_price(name: str, text: str) -> PerGpu:
    """Parses ``0.4`` or ``T4:0.4,V100:2.6``.

    Raises:
        InvalidExperimentError: it is neither.
    """
    if ":" not in text:
        return {ANY_GPU: parse_amount(name, text)}
    prices = {}
    for pair in text.split(","):
        gpu, _, price = pair.rpartition(":")
        if not gpu.strip():
            raise InvalidExperimentError(
                f"{name} must be a price or a list such as T4:0.4,V100:2.6, but got {text!r}."
            )
        prices[gpu.strip()] = parse_amount(name, price.strip())
    return prices
