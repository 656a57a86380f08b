"""What ``morphling install`` changes on a cluster, as objects before and after."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster import katib_config

CONFIG_MAP, CONFIG_KEY = "katib-config", "katib-config.yaml"
CONTROLLER = "katib-controller"
ROLE = "morphling-katib-controller"
NAMESPACE_LABEL = "katib.kubeflow.org/metrics-collector-injection"
# What uninstalling has to undo in katib-config, as JSON on the ConfigMap.
ANNOTATION = "morphling/installed"
_RESTARTED = "kubectl.kubernetes.io/restartedAt"

# Beyond Katib's own ClusterRole (manifests/v1beta1/components/controller/rbac.yaml): to create the
# trials, and to walk from a pod to its trial, without which no collector is injected, in silence.
RULES = (
    {
        "apiGroups": ["serving.kserve.io"],
        "resources": ["inferenceservices"],
        "verbs": ["get", "list", "watch", "create", "delete"],
    },
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get"]},
)


@dataclass(frozen=True)
class Wanted:
    """What is to be installed.

    Attributes:
        image: Of the suggestion service.
        replaces_built_in: Whether ``bayesianoptimization`` is to be this service as well.
    """

    image: str
    replaces_built_in: bool = False


ConfigMap = Mapping[str, Any]
Change = Callable[[ConfigMap], dict[str, Any]]


def installed(config_map: ConfigMap, wanted: Wanted) -> dict[str, Any]:
    """The ConfigMap ``katib-config`` with our entries; equal to the argument when they are there.

    Raises:
        ClusterError: what it holds is no configuration of Katib.
    """
    text = str(config_map["data"][CONFIG_KEY])
    done = _done(config_map)
    if wanted.replaces_built_in and "built_in" not in done:
        done["built_in"] = katib_config.suggestion_text(text, katib_config.BUILT_IN)
    if not katib_config.has_trial_resource(text):
        done["trial_resource"] = True
    text = katib_config.with_trial_resource(text)
    names = [katib_config.ALGORITHM]
    if wanted.replaces_built_in or "built_in" in done:
        names.append(katib_config.BUILT_IN)
    for name in names:
        entry = katib_config.suggestion_entry(name, wanted.image)
        text = katib_config.with_suggestion(text, entry)
    return _with(config_map, text, done)


def uninstalled(config_map: ConfigMap) -> dict[str, Any]:
    """The ConfigMap as it was before ``installed``, whatever others have changed meanwhile."""
    text = str(config_map["data"][CONFIG_KEY])
    done = _done(config_map)
    if done.get("built_in") is not None:
        text = katib_config.with_suggestion_text(text, katib_config.BUILT_IN, done["built_in"])
    elif "built_in" in done:
        text = katib_config.without_suggestion(text, katib_config.BUILT_IN)
    text = katib_config.without_suggestion(text, katib_config.ALGORITHM)
    if done.get("trial_resource"):
        text = katib_config.without_trial_resource(text)
    return _with(config_map, text, {})


def changes_trial_resources(before: ConfigMap, after: ConfigMap) -> bool:
    """Whether the controller must start anew: it reads the kinds of trials once."""
    texts = (str(config["data"][CONFIG_KEY]) for config in (before, after))
    first, second = map(katib_config.has_trial_resource, texts)
    return first != second


def role() -> dict[str, Any]:
    """The ClusterRole with what Katib's controller lacks."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ROLE},
        "rules": list(RULES),
    }


def binding(katib_namespace: str) -> dict[str, Any]:
    """Gives the role to Katib's controller."""
    account = {"kind": "ServiceAccount", "name": CONTROLLER, "namespace": katib_namespace}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": ROLE,
        },
        "subjects": [account],
    }


def namespace_patch(is_injecting: bool) -> dict[str, Any]:
    """Sets or removes the label without which Katib injects no collector."""
    return {"metadata": {"labels": {NAMESPACE_LABEL: "enabled" if is_injecting else None}}}


def restart_patch(now: str) -> dict[str, Any]:
    """Makes a Deployment start its pods anew, as ``kubectl rollout restart`` does."""
    annotations = {_RESTARTED: now}
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def _done(config_map: ConfigMap) -> dict[str, Any]:
    annotations = config_map["metadata"].get("annotations") or {}
    return dict(json.loads(annotations.get(ANNOTATION, "{}")))


def _with(config_map: ConfigMap, text: str, done: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(config_map["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop(ANNOTATION, None)
    if done:
        annotations[ANNOTATION] = json.dumps(done, sort_keys=True)
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    data = {**config_map["data"], CONFIG_KEY: text}
    return {**config_map, "metadata": metadata, "data": data}
