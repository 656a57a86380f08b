"""What each GPU-sharing system wants of a pod. Sources are named with each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trial_templates.knob import GPU_MEMORY_PERCENT, GPU_TIME_PERCENT, GPU_TYPE, Knob

_PRODUCT = Knob("gpu_product", ("Tesla-T4", "Tesla-V100-SXM2-16GB"), "categorical")


@dataclass(frozen=True)
class GpuSharing:
    """One way to give a pod a share of a GPU.

    Attributes:
        name: Folder of its examples.
        title: For the first line of an Experiment.
        knobs: What can be tuned with it.
        memory_share: The share of a card's memory as a fraction, in text, for servers that must
            keep to it themselves; empty where it is no knob or not a fraction.
        memory_percent: The same in per cent, for the cost; may be shell arithmetic.
        time_percent: The share of its time in per cent; empty where it is no knob.
        labels: Of the pod.
        annotations: Of the pod.
        node_selector: Of the pod.
        scheduler: Of the pod; empty for the default.
        limits: Of the server's container.
        env: Of the server's container.
        notes: Comments at the head of the Experiment.
    """

    name: str
    title: str
    knobs: tuple[Knob, ...] = ()
    memory_share: str = ""
    memory_percent: str = ""
    time_percent: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    scheduler: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def has_gpu(self) -> bool:
        return bool(self.limits or self.annotations)


_MEMORY, _TIME = GPU_MEMORY_PERCENT.placeholder, GPU_TIME_PERCENT.placeholder
_MIB = Knob("gpu_memory_mib", ("2000", "4000", "8000", "12000"))
_GIB = Knob("gpu_memory_gib", ("2", "4", "8", "12"))
_CARD_MIB = 16384

# Project-HAMi/HAMi 2.10, pkg/device/nvidia/device.go and pkg/scheduler/webhook.go.
HAMI = GpuSharing(
    name="hami",
    title="shares of a GPU by HAMi",
    knobs=(GPU_TYPE, GPU_MEMORY_PERCENT, GPU_TIME_PERCENT),
    memory_percent=_MEMORY,
    time_percent=_TIME,
    annotations={"nvidia.com/use-gputype": GPU_TYPE.placeholder},
    # KServe looks for nvidia.com/gpu, which HAMi would add only afterwards.
    limits={
        "nvidia.com/gpu": "1",
        "nvidia.com/gpumem-percentage": _MEMORY,
        "nvidia.com/gpucores": _TIME,
    },
    env={"GPU_CORE_UTILIZATION_POLICY": "force"},
    notes=(
        "GPU_CORE_UTILIZATION_POLICY: without it a server that is alone on its card takes all of",
        "the card's time, and the time share seems not to matter.",
    ),
)
# NVIDIA/KAI-Scheduler, docs/gpu-sharing/README.md: nothing is isolated.
KAI_FRACTION = GpuSharing(
    name="kai-fraction",
    title="fractions of a GPU by the KAI scheduler",
    knobs=(GPU_MEMORY_PERCENT,),
    memory_share=f"0.{_MEMORY}",
    memory_percent=_MEMORY,
    labels={"kai.scheduler/queue": "default"},
    annotations={"gpu-fraction": f"0.{_MEMORY}"},
    scheduler="kai-scheduler",
    notes=(
        "A fraction is above 0 and below 1: the percentages have two digits, behind a point.",
        "KAI isolates nothing: the server must keep to its share itself.",
    ),
)
KAI_MEMORY = GpuSharing(
    name="kai-memory",
    title="GPU memory by the KAI scheduler",
    knobs=(_MIB,),
    memory_percent=f"$((100 * {_MIB.placeholder} / {_CARD_MIB}))",
    labels={"kai.scheduler/queue": "default"},
    annotations={"gpu-memory": _MIB.placeholder},
    scheduler="kai-scheduler",
    notes=(
        f"MiB mean another share on each card: these are for cards of {_CARD_MIB} MiB.",
        "KAI isolates nothing: the server must keep to its share itself.",
    ),
)
# volcano-sh/volcano, docs/user-guide/how_to_use_volcano_vgpu.md.
VOLCANO = GpuSharing(
    name="volcano",
    title="shares of a GPU by Volcano vGPU",
    knobs=(GPU_MEMORY_PERCENT, GPU_TIME_PERCENT),
    memory_percent=_MEMORY,
    time_percent=_TIME,
    scheduler="volcano",
    limits={
        "volcano.sh/vgpu-number": "1",
        "volcano.sh/vgpu-memory-percentage": _MEMORY,
        "volcano.sh/vgpu-cores": _TIME,
    },
)
# AliyunContainerService/gpushare-scheduler-extender, docs/userguide.md; ACK's node modes.
ALIYUN = GpuSharing(
    name="aliyun",
    title="shares of a GPU on Aliyun ACK",
    knobs=(_GIB, GPU_TIME_PERCENT),
    memory_percent=f"$((100 * {_GIB.placeholder} / {_CARD_MIB // 1024}))",
    time_percent=_TIME,
    node_selector={"ack.node.gpu.schedule": "core_mem"},
    limits={
        "aliyun.com/gpu-mem": _GIB.placeholder,
        "aliyun.com/gpu-core.percentage": _TIME,
    },
    notes=(
        f"GiB mean another share on each card: these are for cards of {_CARD_MIB // 1024} GiB.",
    ),
)
# NVIDIA/k8s-device-plugin, README.md and cmd/mps-control-daemon: replicas are the node's.
MPS = GpuSharing(
    name="mps",
    title="a GPU shared by NVIDIA MPS",
    knobs=(_PRODUCT, _MIB, GPU_TIME_PERCENT),
    memory_percent=f"$((100 * {_MIB.placeholder} / {_CARD_MIB}))",
    time_percent=_TIME,
    node_selector={
        "nvidia.com/gpu.sharing-strategy": "mps",
        "nvidia.com/gpu.product": f"{_PRODUCT.placeholder}-SHARED",
    },
    limits={"nvidia.com/gpu": "1"},
    env={
        "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": f"0={_MIB.placeholder}M",
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": _TIME,
    },
    notes=(
        "The limits can only lower the share that a replica has: take nodes with two replicas or",
        f"so, and lists below it. MiB are for cards of {_CARD_MIB} MiB.",
    ),
)
_REPLICAS = Knob("gpu_replicas", ("1", "2", "4"), "discrete", "node pools: tenants of a card")
TIME_SLICING = GpuSharing(
    name="time-slicing",
    title="a GPU shared by time slicing",
    knobs=(_PRODUCT, _REPLICAS),
    memory_percent=f"$((100 / {_REPLICAS.placeholder}))",
    node_selector={
        "nvidia.com/gpu.product": f"{_PRODUCT.placeholder}-SHARED",
        "nvidia.com/gpu.replicas": _REPLICAS.placeholder,
    },
    limits={"nvidia.com/gpu": "1"},
    notes=("Nothing is isolated: keep the cards free of others, or they steal time.",),
)
CPU = GpuSharing(name="cpu", title="CPU cores only")
