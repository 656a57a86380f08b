"""Prices of configurations: the Experiment's own when its settings give them, else drawn ones.

Katib's request does not say how the objective was computed. A library of rates must be divided by
the same prices to be comparable, so particles carry different ones unless they are told.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.errors import InvalidExperimentError
from suggestion.knob_values import Column, gpu_model, types_of_gpu
from suggestion.knobs import CPU_CORES, GPU_MEMORY, GPU_TIME, TENSOR_PARALLELISM, plain

Array = NDArray[np.float64]
PerGpu = Mapping[str, float]
# Key of a price that holds for every type of GPU.
ANY_GPU = ""
_SMALLEST, _LARGEST = 1e-9, 1e9


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
        column = types_of_gpu(columns)
        assert column is not None, "checked before"
        levels = np.array([_price_of(prices, text) for text in column.texts])
        return np.asarray(levels[column.index.round().astype(int)])

    def check(self, columns: Mapping[str, Column]) -> None:
        """Refuses prices that cannot be applied to a space.

        Args:
            columns: The knobs, at any points.

        Raises:
            InvalidExperimentError: a type of GPU has no price, a share is in bytes, or a
                configuration is free.
        """
        column = types_of_gpu(columns)
        texts = () if column is None else column.texts
        for prices in (self.gpu, self.gpu_memory, self.gpu_time):
            if prices is None or ANY_GPU in prices:
                continue
            missing = [text for text in texts if _price_of(prices, text) is None]
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
        if not self._is_paid(columns, texts):
            raise InvalidExperimentError(
                "Each configuration must have a price above 0, since the objective is divided by "
                f"it, but the prices are {self}."
            )

    def _is_paid(self, columns: Mapping[str, Column], types: Sequence[str]) -> bool:
        """Whether no configuration is free: cores and shares are above 0, prices may be 0."""
        if self.base > 0 or (self.per_core > 0 and CPU_CORES in columns):
            return True
        by_gpu = [p for p in (self.gpu, self.gpu_memory, self.gpu_time) if p is not None]
        return all(
            any((_price_of(prices, text) or 0.0) > 0 for prices in by_gpu)
            for text in types or [ANY_GPU]
        )


def _price_of(prices: PerGpu, text: str) -> float | None:
    """Price of a type of GPU: of its very name, else of the model, else of any; None without."""
    if ANY_GPU in prices:
        return prices[ANY_GPU]
    named = {plain(name): price for name, price in prices.items()}
    models = {gpu_model(name): price for name, price in prices.items()}
    return named.get(plain(text), models.get(gpu_model(text)))


def parse_amount(name: str, text: str) -> float:
    """Parses a number of at least 0, within what products and quotients of it can bear.

    Raises:
        InvalidExperimentError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value == 0 or _SMALLEST <= value <= _LARGEST):
        raise InvalidExperimentError(
            f"{name} must be 0 or a number from {_SMALLEST:g} to {_LARGEST:g}, but got {text!r}."
        )
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
