"""Which GPU-sharing systems the nodes of a cluster show."""

from collections.abc import Mapping, Sequence
from typing import Any

_NVIDIA = "nvidia.com/gpu"
# What each system leaves on its nodes: an annotation, or an amount to be had.
_HAMI = "hami.io/node-nvidia-register"
_AMOUNTS = {
    "volcano.sh/vgpu-number": "Volcano vGPU",
    "aliyun.com/gpu-mem": "Aliyun GPU sharing",
    f"{_NVIDIA}.shared": "NVIDIA device plugin, shared",
}
_STRATEGY = "nvidia.com/gpu.sharing-strategy"


def sharing_systems(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the systems with the number of nodes that show each, such as ``HAMi (2 nodes)``.

    Args:
        nodes: Nodes as the API's JSON.
    """
    counts: dict[str, int] = {}
    for node in nodes:
        for name in _systems_of(node):
            counts[name] = counts.get(name, 0) + 1
    return [f"{name} ({count} node{'s' * (count > 1)})" for name, count in counts.items()]


def _systems_of(node: Mapping[str, Any]) -> list[str]:
    metadata = node.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    amounts = (node.get("status") or {}).get("allocatable") or {}
    found = [name for key, name in _AMOUNTS.items() if _is_some(amounts.get(key))]
    if _HAMI in annotations:
        found.append("HAMi")
    strategy = labels.get(_STRATEGY, "none")
    if strategy != "none":
        found.append(f"NVIDIA device plugin, {strategy}")
    if not found and _is_some(amounts.get(_NVIDIA)):
        found.append("whole GPUs only")
    return found


def _is_some(amount: str | None) -> bool:
    return amount not in (None, "0")
