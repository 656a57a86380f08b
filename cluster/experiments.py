"""Reads and creates Experiments of one namespace through the API server."""

from collections.abc import Callable, Mapping
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from cluster.connection import (
    TIMEOUT_SECONDS,
    MissingError,
    UnavailableError,
    body,
    connect_api,
    plain,
    said,
)
from cluster.errors import ClusterError

GROUP, VERSION = "kubeflow.org", "v1beta1"
EXPERIMENT_LABEL = "katib.kubeflow.org/experiment"


class Experiments:
    """Experiments of a namespace, with their Trials and Suggestions, as the API's JSON.

    The Katib SDK's client does the same by the same API, but replaces what the API server says
    of an error by a text of its own, the denials of Katib's webhook among them.

    Args:
        api: A client for custom resources.
        namespace: Where the Experiments are.
    """

    def __init__(self, api: client.CustomObjectsApi, namespace: str) -> None:
        self._api, self.namespace = api, namespace

    def create(self, experiment: Mapping[str, Any]) -> None:
        """Creates an Experiment.

        Raises:
            ClusterError: the API server or Katib refuses it, or cannot be reached.
        """
        name = experiment["metadata"]["name"]
        self._call(
            self._api.create_namespaced_custom_object,
            f"create the Experiment {name}",
            "experiments",
            experiment,
        )

    def get(self, name: str) -> dict[str, Any]:
        """An Experiment.

        Raises:
            MissingError: there is none of this name.
            ClusterError: the API server refuses or cannot be reached.
        """
        return self._get("experiments", "Experiment", name)

    def trials(self, name: str) -> list[dict[str, Any]]:
        """The Trials of an Experiment, in any order; see ``get`` for errors."""
        found = self._call(
            self._api.list_namespaced_custom_object,
            f"list the Trials of {name}",
            "trials",
            label_selector=f"{EXPERIMENT_LABEL}={name}",
        )
        return list(found["items"])

    def suggestion(self, name: str) -> dict[str, Any] | None:
        """The Suggestion of an Experiment; None before Katib has made it."""
        try:
            return self._get("suggestions", "Suggestion", name)
        except MissingError:
            return None

    def _get(self, plural: str, kind: str, name: str) -> dict[str, Any]:
        getter = self._api.get_namespaced_custom_object
        return self._call(getter, f"read the {kind} {name}", plural, name)

    def _call(
        self, call: Callable[..., Any], what: str, plural: str, *arguments: Any, **options: Any
    ) -> dict[str, Any]:
        place = (GROUP, VERSION, self.namespace, plural)
        options["_request_timeout"] = TIMEOUT_SECONDS
        try:
            return dict(call(*place, *arguments, **options))
        except client.ApiException as error:
            raise _plain(error, what, self.namespace) from None
        except (HTTPError, OSError) as error:
            host = self._api.api_client.configuration.host
            raise UnavailableError(f"The API server {host} cannot be reached: {error}") from None


def connect(namespace: str | None) -> Experiments:
    """Connects as kubectl would: by KUBECONFIG or ~/.kube/config, or from within a pod.

    Args:
        namespace: Where the Experiments are; by default the kubeconfig's namespace.

    Raises:
        ClusterError: no cluster is configured, or its configuration has a flaw.
    """
    api, default = connect_api()
    return Experiments(client.CustomObjectsApi(api), namespace or default)


def _plain(error: client.ApiException, what: str, namespace: str) -> ClusterError:
    """Says in plain words what the API server answered."""
    reason = said(error)
    tried = f"could not {what} in namespace {namespace}"
    if "denied the request" in reason:
        denial = reason.split("denied the request:", 1)[-1].strip()
        return ClusterError(f"Katib refused the Experiment: {denial}")
    if "failed calling webhook" in reason:
        return UnavailableError(
            f"Katib's webhook does not answer: {tried}. See that the katib-controller runs; "
            f"`morphling doctor` helps. ({reason})"
        )
    if error.status == 409:
        return ClusterError(
            f"A name can be used once in a namespace, but {tried}: it is taken. Delete the "
            "Experiment of that name, or give this one another name."
        )
    if error.status == 404:
        return MissingError(_missing(error, reason, tried, namespace))
    return plain(error, tried)


def _missing(error: client.ApiException, reason: str, tried: str, namespace: str) -> str:
    details = body(error).get("details") or {}
    if details.get("name") and details.get("kind") != "namespaces":
        return f"Nothing of this name exists: {tried}."
    if details.get("kind") == "namespaces":
        return f"The namespace must exist, but got {namespace!r}."
    return (
        f"Katib's resources are unknown to this cluster: {tried}. Install Katib first; "
        f"`morphling doctor` says what is missing. ({reason})"
    )
