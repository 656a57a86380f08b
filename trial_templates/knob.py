"""A tunable parameter of an example."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Knob:
    """One parameter.

    Attributes:
        name: As the search recognises it.
        values: A list of values; or, for an ``int``, its ends.
        kind: Katib's parameter type.
        comment: Said behind the name in the Experiment; empty for nothing.
    """

    name: str
    values: tuple[str, ...]
    kind: str = "discrete"
    comment: str = ""

    @property
    def placeholder_name(self) -> str:
        """Name of the trial parameter: ``gpuMemoryPercent``."""
        return re.sub(r"_(\w)", lambda found: found[1].upper(), self.name)

    @property
    def placeholder(self) -> str:
        """What Katib replaces by the value."""
        return f"${{trialParameters.{self.placeholder_name}}}"


CPU_CORES = Knob("cpu_cores", ("1", "4"), "int")
GPU_TYPE = Knob("gpu_type", ("T4", "V100"), "categorical")
GPU_MEMORY_PERCENT = Knob("gpu_memory_percent", ("20", "40", "60", "80"))
GPU_TIME_PERCENT = Knob("gpu_time_percent", ("25", "50", "75", "100"))
