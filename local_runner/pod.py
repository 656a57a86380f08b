"""The predictor pod of an InferenceService with Katib's collector injected, as plain values.

KServe: pkg/controller/v1beta1/inferenceservice/components/predictor.go. Katib's injection:
pkg/webhook/v1beta1/pod/inject_webhook.go and utils.go:128-264.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from local_runner.experiment import Experiment

SERVER_CONTAINER = "kserve-container"
MODEL_MOUNT = "/mnt/models"
METRICS_VOLUME = "metrics-volume"
MODEL_VOLUME = "kserve-provision-location"

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_LABEL_PATH = re.compile(r"^metadata\.(labels|annotations)\['([^']+)'\]$")
_CPU = re.compile(r"^([0-9]+|[0-9]*\.[0-9]+)(m?)$")


class PodError(ValueError):
    """The InferenceService cannot be run here; the message names the field, rule and value."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container; ``mounts`` maps mount paths to volume names."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    ports: tuple[int, ...]
    cpu_millicores: int
    mounts: Mapping[str, str]
    storage_uri: str = ""


@dataclass(frozen=True)
class Pod:
    """Containers in the order in which the kubelet starts them."""

    containers: tuple[Container, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


def pod_of(experiment: Experiment, service: Mapping[str, Any]) -> Pod:
    """Builds the pod of a rendered InferenceService.

    Raises:
        PodError: the service uses what only a cluster has, or a field is malformed.
    """
    metadata = _mapping(service["metadata"], "metadata")
    predictor = _mapping(_mapping(service.get("spec"), "spec").get("predictor"), "spec.predictor")
    if "model" in predictor:
        raise PodError(
            "spec.predictor.model needs a ServingRuntime, which only a cluster has; "
            "give spec.predictor.containers instead."
        )
    trial_name = str(metadata["name"])
    labels = {"katib.kubeflow.org/trial": trial_name, "component": "predictor"}
    labels |= _texts(metadata.get("labels"), "metadata.labels")
    labels |= _texts(predictor.get("labels"), "spec.predictor.labels")
    facts = {"metadata": {**metadata, "labels": labels}}
    specs = _list(predictor.get("containers"), "spec.predictor.containers")
    containers = [_container(s, facts, f"containers[{i}]") for i, s in enumerate(specs)]
    if not containers or containers[0].name != SERVER_CONTAINER:
        raise PodError(f"The first container must be {SERVER_CONTAINER}, as KServe demands.")
    collector = _container(
        experiment.spec.metrics_collector_spec.collector.custom_collector, facts, "customCollector"
    )
    return Pod(tuple(_injected(experiment, containers, collector, trial_name)), labels)


def _injected(
    experiment: Experiment, containers: list[Container], collector: Container, trial_name: str
) -> list[Container]:
    primary = experiment.spec.trial_template.primary_container_name
    names = [container.name for container in (*containers, collector)]
    if primary not in names[:-1]:
        raise PodError(f"primaryContainerName must be a container of the pod, but got {primary!r}.")
    if len(set(names)) < len(names):
        raise PodError(f"Container names must be unique, but got {', '.join(names)}.")
    path = experiment.spec.metrics_collector_spec.source.file_system_path.path
    metrics_mount = {str(PurePosixPath(path).parent): METRICS_VOLUME}
    result = []
    for container in (*containers, collector):
        env, mounts = dict(container.env), dict(container.mounts)
        if container.name == primary:
            env["KATIB_TRIAL_NAME"] = trial_name
        if container.name in (primary, collector.name):
            mounts |= metrics_mount
        result.append(_with(container, env, mounts))
    return result


def _with(container: Container, env: dict[str, str], mounts: dict[str, str]) -> Container:
    return Container(**{**container.__dict__, "env": env, "mounts": mounts})


def _container(spec: object, facts: Mapping[str, Any], where: str) -> Container:
    fields = _mapping(spec, where)
    env: dict[str, str] = {"INFERENCE_SERVICE_NAME": str(facts["metadata"]["name"])}
    for entry in _list(fields.get("env", []), f"{where}.env"):
        name, value = _variable(_mapping(entry, f"{where}.env"), facts, f"{where}.env")
        env[name] = _expand(value, env)
    mounts = {}
    for mount in _list(fields.get("volumeMounts", []), f"{where}.volumeMounts"):
        entry = _mapping(mount, f"{where}.volumeMounts")
        mounts[str(entry.get("mountPath"))] = str(entry.get("name"))
    storage_uri = env.get("STORAGE_URI", "")
    if storage_uri:
        mounts[MODEL_MOUNT] = MODEL_VOLUME
    ports = tuple(
        _port(_mapping(port, f"{where}.ports").get("containerPort"), where)
        for port in _list(fields.get("ports", []), f"{where}.ports")
    )
    return Container(
        name=str(fields.get("name") or SERVER_CONTAINER),
        image=str(fields.get("image", "")),
        command=tuple(_expand(t, env) for t in _strings(fields.get("command", []), where)),
        args=tuple(_expand(t, env) for t in _strings(fields.get("args", []), where)),
        env=env,
        ports=ports,
        cpu_millicores=_millicores(fields.get("resources"), where),
        mounts=mounts,
        storage_uri=storage_uri,
    )


def _variable(entry: Mapping[str, Any], facts: Mapping[str, Any], where: str) -> tuple[str, str]:
    name = str(entry.get("name"))
    if "valueFrom" not in entry:
        value = entry.get("value", "")
        if not isinstance(value, str):
            raise PodError(f"{where}: {name} must be a string, but got {value!r}.")
        return name, value
    source = _mapping(entry["valueFrom"], where).get("fieldRef")
    path = str(_mapping(source, f"{where}: {name}.valueFrom.fieldRef").get("fieldPath"))
    metadata = facts["metadata"]
    if path in ("metadata.name", "metadata.namespace"):
        return name, str(metadata[path.removeprefix("metadata.")])
    if path == "status.podIP":
        return name, "127.0.0.1"
    if match := _LABEL_PATH.match(path):
        return name, str((metadata.get(match[1]) or {}).get(match[2], ""))
    raise PodError(f"{where}: {name} refers to {path}, which the local runner does not know.")


def _expand(text: str, env: Mapping[str, str]) -> str:
    """``$(NAME)`` as Kubernetes expands it: unknown names stay, ``$$`` is a dollar."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return env.get(match[1], match[0])

    return _REFERENCE.sub(replace, text)


def _millicores(resources: object, where: str) -> int:
    entries = _mapping(resources or {}, f"{where}.resources")
    for kind in ("requests", "limits"):
        value = _mapping(entries.get(kind) or {}, where).get("cpu")
        if value is not None:
            match = _CPU.match(str(value))
            if not match:
                raise PodError(
                    f"{where}: cpu must be a quantity like 2 or 500m, but got {value!r}."
                )
            return math.ceil(float(match[1]) * (1 if match[2] else 1000))
    return 0


def _port(value: object, where: str) -> int:
    if not isinstance(value, int) or not 0 < value < 65536:
        raise PodError(f"{where}: containerPort must be 1 to 65535, but got {value!r}.")
    return value


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PodError(f"{where} must be a mapping, but got {value!r:.60}.")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise PodError(f"{where} must be a list, but got {value!r:.60}.")
    return value


def _strings(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PodError(
            f"{where}: command and args must be lists of strings, but got {value!r:.60}."
        )
    return value


def _texts(value: object, where: str) -> dict[str, str]:
    return {str(key): str(text) for key, text in _mapping(value or {}, where).items()}
