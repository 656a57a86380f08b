"""Puts an example together: a serving runtime under a GPU-sharing system."""

from dataclasses import dataclass
from pathlib import Path

import jinja2

from trial_templates import gpu_sharing as sharing
from trial_templates import runtime
from trial_templates.gpu_sharing import GpuSharing
from trial_templates.knob import CPU_CORES, Knob
from trial_templates.runtime import Runtime

ROOT = Path(__file__).parents[1]
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Example:
    """One Experiment."""

    sharing: GpuSharing
    runtime: Runtime

    @property
    def knobs(self) -> tuple[Knob, ...]:
        return (*self.sharing.knobs, CPU_CORES, *self.runtime.knobs)

    @property
    def name(self) -> str:
        """Of the Experiment."""
        return f"{self.runtime.name}-{self.sharing.name}"

    @property
    def needs_shell(self) -> bool:
        """Whether the load generator is started by a script: to write a payload, or to compute."""
        return bool(self.runtime.payload) or "$((" in self.sharing.memory_percent

    def texts(self) -> dict[Path, str]:
        """The files of the example, by path: the Experiment and its bare trial template."""
        trial_spec = _TEMPLATES.get_template("inference_service.yaml.j2").render(example=self)
        experiment = _TEMPLATES.get_template("experiment.yaml.j2").render(
            example=self, trial_spec=trial_spec
        )
        place = Path(self.sharing.name) / f"{self.runtime.name}.yaml"
        return {
            ROOT / "trial_templates" / place: trial_spec,
            ROOT / "examples" / place: experiment,
        }


EXAMPLES = (
    Example(sharing.HAMI, runtime.TRITON),
    Example(sharing.HAMI, runtime.TENSORFLOW),
    Example(sharing.HAMI, runtime.MLSERVER),
    Example(sharing.HAMI, runtime.VLLM),
    Example(sharing.KAI_FRACTION, runtime.TENSORFLOW),
    Example(sharing.KAI_FRACTION, runtime.VLLM),
    Example(sharing.KAI_MEMORY, runtime.TRITON),
    Example(sharing.VOLCANO, runtime.TRITON),
    Example(sharing.VOLCANO, runtime.VLLM),
    Example(sharing.ALIYUN, runtime.TRITON),
    Example(sharing.MPS, runtime.TRITON),
    Example(sharing.TIME_SLICING, runtime.TRITON),
    Example(sharing.CPU, runtime.TRITON),
    Example(sharing.CPU, runtime.TENSORFLOW),
    Example(sharing.CPU, runtime.MLSERVER),
)
