"""Which parameter of an Experiment is which knob of a served model, and in what unit.

Profile tables and the serving simulator know knobs by canonical names. An Experiment names its
parameters as it likes: common names are recognised, the setting ``knobs`` tells the others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suggestion.errors import InvalidExperimentError

CPU_CORES = "cpu_cores"
GPU_MEMORY = "gpu_memory_percent"
GPU_TIME = "gpu_time_percent"
GPU_TYPE = "gpu_type"
BATCH_SIZE = "batch_size"
TENSOR_PARALLELISM = "tensor_parallelism"
# Knobs whose values are numbers above 0.
QUANTITIES = (CPU_CORES, GPU_MEMORY, GPU_TIME, BATCH_SIZE, TENSOR_PARALLELISM)
# No quantity of a served model is larger, MiB of memory included.
_LARGEST = 1e7
# No node has so many: they are millicores.
_MANY_CORES = 1000
_MILLICORES = ("millicores", "cpum")

# Names without case and punctuation: cpuCores, CPU_CORES and cpu-cores are one.
_NAMES = {
    CPU_CORES: "cpu cpus cores cpucores cpucore numcpus numcpu numcores corecount cpucount vcpu "
    "vcpus cpurequest cpulimit cpumillicores millicores cpum",
    GPU_MEMORY: "gpumem gpumemory gpumemorypercent gpumemorypercentage gpumempercent "
    "gpumempercentage gpumemoryshare gpumemshare gpumemoryfraction gpumemfraction gpumemorygb "
    "gpumemgb gpumemorygib gpumemgib gpumemorymb gpumemmb gpumemorymib gpumemmib vgpumemory",
    GPU_TIME: "gputime gputimeshare gputimepercent gputimepercentage gputimefraction timeshare "
    "gpucore gpucores gpucorepercent gpucorepercentage gpucompute gpucomputeshare "
    "gpucomputepercent computeshare smshare smpercent gpusm gpusmshare gpusmpercent vgpucores",
    GPU_TYPE: "gpu gputype gpumodel gpuname gpuproduct gpukind accelerator acceleratortype card",
    BATCH_SIZE: "batchsize batch maxbatch maxbatchsize maxnumseqs servingbatchsize",
    TENSOR_PARALLELISM: "tensorparallelism tp tensorparallel tensorparallelsize tpsize tpdegree",
    "dtype": "dtype precision quantization weightdtype",
    "backend": "backend engine inferenceengine servingengine servingruntime runtime",
}
_RECOGNISED = {name: knob for knob, names in _NAMES.items() for name in names.split()}


def plain(name: str) -> str:
    """A name in lower case, letters and digits only."""
    return re.sub("[^a-z0-9]", "", name.lower())


def canonical(name: str) -> str:
    """The canonical knob of a parameter or table column; its plain name when there is none."""
    return _RECOGNISED.get(plain(name), plain(name))


def recognise(names: Sequence[str], told: Mapping[str, str]) -> dict[str, str]:
    """Maps knobs to the parameters that set them.

    Args:
        names: Parameters of the Experiment.
        told: Parameter to knob, from the setting ``knobs``; it overrules recognition.

    Returns:
        Knob to parameter. Of two parameters that look like one knob, neither counts.

    Raises:
        InvalidExperimentError: ``told`` names a parameter that is not there, or a knob twice.
    """
    for name in told:
        if name not in names:
            raise InvalidExperimentError(
                f"knobs must name parameters of the Experiment, but got {name!r}."
            )
    knobs = {name: canonical(told.get(name, name)) for name in names}
    found: dict[str, str] = {}
    for name, knob in knobs.items():
        claims = [other for other, same in knobs.items() if same == knob]
        explicit = [other for other in claims if other in told]
        if len(explicit) > 1:
            raise InvalidExperimentError(
                f"knobs must give each knob to one parameter, but {knob} has {explicit}."
            )
        if claims == [name] or explicit == [name]:
            found[knob] = name
    return found


@dataclass(frozen=True)
class Amount:
    """A quantity read from a parameter's text; ``bytes`` instead of a share where it is absolute.

    Attributes:
        value: Cores, a share of the card in (0, 1], requests, or bytes.
        is_bytes: Whether the value is bytes.
    """

    value: float
    is_bytes: bool = False


def amounts(knob: str, name: str, texts: Sequence[str]) -> list[Amount] | None:
    """Reads a parameter's values in the canonical unit; None when they make no sense as the knob.

    Cores may be ``500m`` or millicores; shares of a card may be fractions, percentages, or memory
    in GiB or MiB: told apart by the name, else by the size of the values.

    Args:
        knob: One of ``QUANTITIES``.
        name: The parameter's own name.
        texts: Its values.
    """
    try:
        values = [_cores(text) if knob == CPU_CORES else float(text.rstrip("%")) for text in texts]
    except ValueError:
        return None
    if not values or not all(0 < value <= _LARGEST for value in values):
        return None
    high = max(values)
    if knob == CPU_CORES:
        is_named = plain(name).endswith(_MILLICORES)
        is_milli = is_named or min(values) >= 100 or high >= _MANY_CORES
        if any(text.endswith("m") for text in texts):
            is_milli = False  # the texts themselves say so
        return [Amount(value * 1e-3 if is_milli else value) for value in values]
    if knob not in (GPU_MEMORY, GPU_TIME):
        return [Amount(value) for value in values]
    unit = _memory_unit(plain(name), high) if knob == GPU_MEMORY else 0.0
    if unit:
        return [Amount(value * unit, is_bytes=True) for value in values]
    scale = 1.0 if high <= 1 else 0.01
    return [Amount(value * scale) for value in values] if high * scale <= 1 else None


def _cores(text: str) -> float:
    """Cores as Kubernetes writes them: ``2`` or ``500m``."""
    return float(text[:-1]) * 1e-3 if text.endswith("m") else float(text)


def _memory_unit(name: str, high: float) -> float:
    """Bytes of one unit; 0 when the values are shares."""
    if name.endswith(("gb", "gib")):
        return 2.0**30
    if name.endswith(("mb", "mib")) or high > 100:
        return 2.0**20
    return 0.0
