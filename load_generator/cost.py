"""Price of a serving configuration: the Morphling paper's cost models as one linear formula."""

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Cost:
    """``base + per_core * cores + gpu_memory * memory share + gpu_time * time share``.

    Equation 7 and section 6.1 of the paper (SoCC'21): ``base`` 0.2, ``per_core`` 0.02,
    ``gpu_memory`` 0.4 for a T4 or M60 and 2.6 for a V100. Its second objective leaves the cores
    out. Section 6.2 splits the price of a T4 into 0.2 for memory and 0.2 for time.

    Attributes:
        price_base: Price of any configuration.
        price_per_core: Price of a CPU core.
        cpu_cores: Cores of the configuration.
        price_gpu_memory: Price of all the memory of the card.
        gpu_memory_percent: Share of that memory, 0 to 100.
        price_gpu_time: Price of all the compute time of the card.
        gpu_time_percent: Share of that time, 0 to 100.

    Raises:
        ValueError: a value is negative or not finite, or a share exceeds 100.
    """

    price_base: float = 0.0
    price_per_core: float = 0.0
    cpu_cores: float = 0.0
    price_gpu_memory: float = 0.0
    gpu_memory_percent: float = 0.0
    price_gpu_time: float = 0.0
    gpu_time_percent: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            limit = 100.0 if field.name.endswith("percent") else math.inf
            if not (math.isfinite(value) and 0 <= value <= limit):
                flag = field.name.replace("_", "-")
                raise ValueError(f"0 <= --{flag} <= {limit:g} must hold, but got {value}.")

    def total(self) -> float | None:
        """The price in the unit of the given prices; None when every price is 0."""
        prices = (self.price_base, self.price_per_core, self.price_gpu_memory, self.price_gpu_time)
        if not any(prices):
            return None
        return (
            self.price_base
            + self.price_per_core * self.cpu_cores
            + self.price_gpu_memory * self.gpu_memory_percent / 100
            + self.price_gpu_time * self.gpu_time_percent / 100
        )
