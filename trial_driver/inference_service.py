"""An InferenceService that lives as long as one load test."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from kubernetes import client

from cluster.connection import MissingError, UnavailableError, ask
from cluster.errors import ClusterError

GROUP, VERSION, PLURAL = "serving.kserve.io", "v1beta1", "inferenceservices"
_KIND = "InferenceService"
# KServe sets it on every pod of a service (pkg/constants/constants.go).
_POD_LABEL = "serving.kserve.io/inferenceservice"
_POLL_SECONDS = 1.0
# The next trial wants the GPU, so it is worth a wait; the Job's deadline bounds it anyway.
_GONE_SECONDS = 60.0


class NotReadyError(Exception):
    """The service did not come up; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where a service is.

    Attributes:
        api: Client of the API server.
        namespace: Of the service.
        name: Of the service.
    """

    api: client.ApiClient
    namespace: str
    name: str

    def arguments(self) -> tuple[str, str, str, str]:
        """As the calls for custom objects want them, but for the name."""
        return GROUP, VERSION, self.namespace, PLURAL


def parse(text: str) -> dict[str, Any]:
    """Reads a manifest.

    Raises:
        ValueError: it is no named InferenceService.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"The InferenceService must be YAML, but: {error}") from None
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        raise ValueError(f"The manifest must be of kind {_KIND}, but is {text!r:.80}.")
    if found.get("apiVersion") != f"{GROUP}/{VERSION}":
        raise ValueError(f"apiVersion must be {GROUP}/{VERSION}, but is {found.get('apiVersion')}.")
    if not (found.get("metadata") or {}).get("name"):
        raise ValueError("metadata.name must be given: ${trialSpec.Name} is unique.")
    return found


@contextmanager
def running(place: Place, manifest: Mapping[str, Any]) -> Iterator[None]:
    """Creates a service and deletes it in the end, whatever happens meanwhile.

    Raises:
        ClusterError: it cannot be created, or a service of that name is there.
    """
    custom = client.CustomObjectsApi(place.api)
    what = f"create the InferenceService {place.name}"
    ask(what, custom.create_namespaced_custom_object, *place.arguments(), dict(manifest))
    try:
        yield
    finally:
        _delete(place)


def wait_until_ready(place: Place, seconds: float, clock: Callable[[], float]) -> None:
    """Waits until every replica serves.

    Args:
        place: The service.
        seconds: For how long at most.
        clock: Gives seconds.

    Raises:
        NotReadyError: it cannot load its model, or is not ready in time.
        ClusterError: the API server refuses.
    """
    end = clock() + seconds
    while True:
        status = _status(place)
        if status is not None:
            conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
            if conditions.get("Ready") == "True":
                return
            _check_model(status)
        if clock() > end:
            raise NotReadyError(
                f"The InferenceService must be ready within {seconds:g} s, but is not: "
                f"{_why(place, status or {})}"
            )
        time.sleep(_POLL_SECONDS)


def _status(place: Place) -> dict[str, Any] | None:
    """None when the API server cannot answer just now, or there is no status yet."""
    get = client.CustomObjectsApi(place.api).get_namespaced_custom_object
    try:
        found: Any = ask("read the InferenceService", get, *place.arguments(), place.name)
    except UnavailableError:
        return None
    return dict(found["status"]) if "status" in found else None


def _check_model(status: Mapping[str, Any]) -> None:
    # pkg/apis/serving/v1beta1/inference_service_status.go of kserve/kserve, lines 679-817.
    model = status.get("modelStatus") or {}
    if (model.get("states") or {}).get("targetModelState") == "FailedToLoad":
        info = model.get("lastFailureInfo") or {}
        said = f"{info.get('reason', 'unknown reason')}: {info.get('message', '')}"
        raise NotReadyError(f"The model cannot be loaded: {said}")


def _why(place: Place, status: Mapping[str, Any]) -> str:
    """What keeps the pods from running, or else the service from being ready."""
    call = client.CoreV1Api(place.api).list_namespaced_pod
    selector = f"{_POD_LABEL}={place.name}"
    try:
        answer = ask("list its pods", call, place.namespace, label_selector=selector)
    except ClusterError as error:
        return str(error)
    pods = place.api.sanitize_for_serialization(answer)
    if reasons := [reason for pod in pods["items"] for reason in _obstacles(pod)]:
        return reasons[0]
    for condition in status.get("conditions", ()):
        if condition["status"] != "True" and condition.get("message"):
            return f"{condition['type']}: {condition['message']}"
    return "no reason given"


def _obstacles(pod: Mapping[str, Any]) -> Iterator[str]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for one in status.get("conditions", ()):
        if one["type"] == "PodScheduled" and one["status"] == "False":
            yield f"{name}: {one.get('reason')}: {one.get('message')}"
    for container in status.get("containerStatuses", ()):
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") != "ContainerCreating":
            yield f"{name}: {waiting.get('reason')}: {waiting.get('message', '')}"


def _delete(place: Place) -> None:
    custom = client.CustomObjectsApi(place.api)
    options = client.V1DeleteOptions(propagation_policy="Foreground")
    end = time.monotonic() + _GONE_SECONDS
    what = f"delete the InferenceService {place.name}"
    while time.monotonic() < end:
        delete = custom.delete_namespaced_custom_object
        try:
            ask(what, delete, *place.arguments(), place.name, body=options)
        except MissingError:
            return
        except UnavailableError:
            pass
        time.sleep(_POLL_SECONDS)
    print(f"trial-driver: the InferenceService {place.name} is still there", flush=True)
