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
    """One Experiment.

    Attributes:
        sharing: How a trial gets its share of a GPU.
        runtime: The model server.
        is_job: Whether a trial is a Job that drives the InferenceService, and not the service.
    """

    sharing: GpuSharing
    runtime: Runtime
    is_job: bool = False

    @property
    def knobs(self) -> tuple[Knob, ...]:
        return (*self.sharing.knobs, CPU_CORES, *self.runtime.knobs)

    @property
    def name(self) -> str:
        """Of the Experiment."""
        return f"{self.runtime.name}-{self.sharing.name}{'-job' if self.is_job else ''}"

    @property
    def place(self) -> Path:
        """Of its files, below ``examples`` and ``trial_templates``."""
        return Path(self.sharing.name) / f"{self.runtime.name}{'-job' if self.is_job else ''}.yaml"

    @property
    def trial_name(self) -> str:
        """What Katib replaces by the name of the trial, in a Job."""
        return "${trialParameters.trialName}"

    @property
    def server(self) -> str:
        """Where the load generator finds the server: in its pod, or behind KServe's Service."""
        return f"{self.trial_name}-predictor" if self.is_job else "localhost:8080"

    @property
    def flags(self) -> list[str]:
        """Of the load generator."""
        text = _TEMPLATES.get_template("load_generator_flags.j2").render(example=self)
        return text.split("\n")[:-1]

    @property
    def needs_shell(self) -> bool:
        """Whether the load generator is started by a script: to write a payload, or to compute."""
        return bool(self.runtime.payload) or "$((" in self.sharing.memory_percent

    def texts(self) -> dict[Path, str]:
        """The files of the example, by path: the Experiment and its bare trial template."""
        trial_spec = _TEMPLATES.get_template("inference_service.yaml.j2").render(example=self)
        if self.is_job:
            trial_spec = _TEMPLATES.get_template("job.yaml.j2").render(
                example=self, service=trial_spec
            )
        experiment = _TEMPLATES.get_template("experiment.yaml.j2").render(
            example=self, trial_spec=trial_spec
        )
        return {
            ROOT / "trial_templates" / self.place: trial_spec,
            ROOT / "examples" / self.place: experiment,
        }


EXAMPLES = (
    Example(sharing.HAMI, runtime.TRITON),
    Example(sharing.HAMI, runtime.TRITON, is_job=True),
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
    Example(sharing.CPU, runtime.TENSORFLOW_BATCHER),
    Example(sharing.CPU, runtime.MLSERVER),
)
