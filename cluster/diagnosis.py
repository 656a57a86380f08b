"""What a cluster needs for Morphling's Experiments, and what it lacks."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from kubernetes import client

from cluster.connection import MissingError, ask
from cluster.errors import ClusterError
from cluster.gpu_sharing import sharing_systems
from cluster.installation import CONFIG_KEY, CONFIG_MAP, CONTROLLER, NAMESPACE_LABEL
from cluster.katib_config import ALGORITHM, has_trial_resource

State = Literal["ok", "missing", "note"]
_CRDS = {
    "experiments.kubeflow.org": "Katib",
    "trials.kubeflow.org": "Katib",
    "suggestions.kubeflow.org": "Katib",
    "inferenceservices.serving.kserve.io": "KServe",
}
# What Katib's controller does for a trial that is an InferenceService.
_RIGHTS = (
    ("serving.kserve.io", "inferenceservices", "create"),
    ("serving.kserve.io", "inferenceservices", "watch"),
    ("serving.kserve.io", "inferenceservices", "delete"),
    ("apps", "replicasets", "get"),
)
# KAI leaves nothing on nodes that is there in every installation.
_KAI_QUEUES = "queues.scheduling.run.ai"
_WEBHOOK = "katib.kubeflow.org"
_SUGGESTION_LABEL = "katib.kubeflow.org/suggestion"
_PULL_FAILURES = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")
_INSTALL = "run `morphling install`"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: ``missing`` is needed and not there; ``note`` is worth knowing.
        text: What was found.
        mend: What to do; empty when all is well.
    """

    state: State
    text: str
    mend: str = ""


class Diagnosis:
    """Looks at a cluster, and changes nothing.

    Args:
        api: Connected.
        katib_namespace: Where Katib runs.
        kserve_namespace: Where KServe runs.
        namespace: A namespace of Experiments; None to leave it out.
    """

    def __init__(
        self,
        api: client.ApiClient,
        katib_namespace: str,
        kserve_namespace: str,
        namespace: str | None,
    ) -> None:
        self._api = api
        self._katib, self._kserve, self._namespace = katib_namespace, kserve_namespace, namespace
        self._core = client.CoreV1Api(api)

    def findings(self) -> Iterator[Finding]:
        """Every finding, in the order in which they are best mended.

        Raises:
            ClusterError: the API server cannot be reached, or refuses to show something.
        """
        parts: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._resources, self._controller, self._config, self._rights, self._injection,
            self._mode, self._sharing, self._images,
        )  # fmt: skip
        for part in parts:
            yield from part()

    def _resources(self) -> Iterator[Finding]:
        read = client.ApiextensionsV1Api(self._api).read_custom_resource_definition
        for name, owner in _CRDS.items():
            found = self._read(f"read the resource definition {name}", read, name)
            yield _either(found is not None, f"{owner}'s resource {name}", f"install {owner} first")

    def _controller(self) -> Iterator[Finding]:
        read = client.AppsV1Api(self._api).read_namespaced_deployment
        found = self._read(f"read {CONTROLLER}", read, CONTROLLER, self._katib)
        ready = 0 if found is None else (found.get("status") or {}).get("availableReplicas") or 0
        yield _either(
            ready > 0,
            f"{CONTROLLER} runs in namespace {self._katib}",
            f"see `kubectl -n {self._katib} get deployment {CONTROLLER}`; --katib-namespace names "
            "another namespace",
        )

    def _config(self) -> Iterator[Finding]:
        read = self._core.read_namespaced_config_map
        found = self._read(f"read {CONFIG_MAP}", read, CONFIG_MAP, self._katib)
        text = ((found or {}).get("data") or {}).get(CONFIG_KEY)
        yield _either(text is not None, f"ConfigMap {CONFIG_MAP}", "install Katib first")
        if text is None:
            return
        yield _either(has_trial_resource(text), "Katib watches InferenceServices", _INSTALL)
        entry = _entry(text)
        yield _either(
            entry is not None, f"{ALGORITHM} among the algorithms of {CONFIG_MAP}", _INSTALL
        )
        if entry is not None:
            limits = (entry.get("resources") or {}).get("limits") or {}
            yield _either(
                "memory" in limits,
                f"{ALGORITHM} has a memory limit of its own ({limits.get('memory', 'none')}); "
                "Katib's, 100Mi, ends it",
                _INSTALL,
            )

    def _rights(self) -> Iterator[Finding]:
        call = client.AuthorizationV1Api(self._api).create_subject_access_review
        for group, resource, verb in _RIGHTS:
            review = {
                "spec": {
                    "user": f"system:serviceaccount:{self._katib}:{CONTROLLER}",
                    "resourceAttributes": {"group": group, "resource": resource, "verb": verb},
                }
            }
            what = f"ask whether {CONTROLLER} may {verb} {resource}"
            answer = self._api.sanitize_for_serialization(ask(what, call, review))
            yield _either(
                bool((answer.get("status") or {}).get("allowed")),
                f"{CONTROLLER} may {verb} {resource}",
                f"{_INSTALL}; without it no collector is injected, and trials hang in silence",
            )

    def _injection(self) -> Iterator[Finding]:
        read = client.AdmissionregistrationV1Api(self._api).read_mutating_webhook_configuration
        found = self._read(f"read the webhook {_WEBHOOK}", read, _WEBHOOK)
        yield _either(
            found is not None, f"Katib's webhook {_WEBHOOK}",
            f"restart {CONTROLLER}, which makes it, and see its log",
        )  # fmt: skip
        if self._namespace is None:
            return
        what = f"read the namespace {self._namespace}"
        space = self._read(what, self._core.read_namespace, self._namespace)
        labels = ((space or {}).get("metadata") or {}).get("labels") or {}
        yield _either(
            labels.get(NAMESPACE_LABEL) == "enabled",
            f"namespace {self._namespace} has the label {NAMESPACE_LABEL}=enabled",
            f"run `morphling install --namespace {self._namespace}`",
        )

    def _mode(self) -> Iterator[Finding]:
        read = self._core.read_namespaced_config_map
        name = "inferenceservice-config"
        found = self._read(f"read {name}", read, name, self._kserve)
        if found is None:
            yield Finding(
                "note", f"KServe's {name} is not in namespace {self._kserve}",
                "--kserve-namespace names another; trials choose their mode themselves",
            )  # fmt: skip
            return
        deploy = (found.get("data") or {}).get("deploy", "{}")
        mode = dict(json.loads(deploy)).get("defaultDeploymentMode", "Knative")
        yield Finding(
            "ok", f"KServe's default mode is {mode}; our trials ask for RawDeployment themselves"
        )

    def _sharing(self) -> Iterator[Finding]:
        nodes = self._api.sanitize_for_serialization(ask("list the nodes", self._core.list_node))
        found = sharing_systems(nodes["items"])
        read = client.ApiextensionsV1Api(self._api).read_custom_resource_definition
        if self._read(f"read the resource definition {_KAI_QUEUES}", read, _KAI_QUEUES):
            found.append("KAI scheduler")
        if found:
            yield Finding("ok", f"GPUs: {', '.join(found)}")
        else:
            yield Finding(
                "note", "no node offers GPUs or shares of them",
                "take the templates for CPUs, or install a GPU-sharing system: docs/gpu-sharing.md",
            )  # fmt: skip

    def _images(self) -> Iterator[Finding]:
        call = self._core.list_pod_for_all_namespaces
        pods = ask("list the suggestion services", call, label_selector=_SUGGESTION_LABEL)
        failing = {}
        for pod in self._api.sanitize_for_serialization(pods)["items"]:
            for status in (pod.get("status") or {}).get("containerStatuses") or []:
                waiting = (status.get("state") or {}).get("waiting") or {}
                if waiting.get("reason") in _PULL_FAILURES:
                    failing[status["image"]] = pod["metadata"]["namespace"]
        for image, namespace in failing.items():
            yield Finding(
                "missing", f"image {image} cannot be pulled in namespace {namespace}",
                "push it where the nodes can pull it, then `morphling install --image`",
            )  # fmt: skip
        if not failing:
            yield Finding("ok", "no suggestion service waits for its image")

    def _read(self, what: str, call: Callable[..., Any], *names: str) -> Mapping[str, Any] | None:
        try:
            return dict(self._api.sanitize_for_serialization(ask(what, call, *names)))
        except MissingError:
            return None


def _either(is_there: bool, text: str, mend: str) -> Finding:
    return Finding("ok", text) if is_there else Finding("missing", text, mend)


def _entry(text: str) -> Mapping[str, Any] | None:
    try:
        suggestions = (yaml.safe_load(text).get("runtime") or {}).get("suggestions") or []
    except (yaml.YAMLError, AttributeError) as error:
        raise ClusterError(f"{CONFIG_MAP} must hold a configuration, but: {error}") from None
    return next((one for one in suggestions if one.get("algorithmName") == ALGORITHM), None)
