"""Connects to the API server and says in plain words what it answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from cluster.errors import ClusterError

TIMEOUT_SECONDS = 30
_NO_CLUSTER = (
    "No cluster is configured: set KUBECONFIG, or write ~/.kube/config, so that "
    "`kubectl get namespaces` answers."
)
# Mounted into every pod: kubernetes.io/docs/tasks/run-application/access-api-from-pod.
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_IN_TROUBLE = (429, 500, 502, 503, 504)
T = TypeVar("T")


class UnavailableError(ClusterError):
    """The API server cannot answer just now; asking again may help."""


class MissingError(ClusterError):
    """What was asked for does not exist."""


class ConflictError(ClusterError):
    """Somebody else has changed or made the object meanwhile."""


def connect_api() -> tuple[client.ApiClient, str]:
    """Connects as kubectl would: by KUBECONFIG or ~/.kube/config, or from within a pod.

    Returns:
        A client, and the namespace that the configuration names.

    Raises:
        ClusterError: no cluster is configured, or its configuration has a flaw.
    """
    try:
        config.load_kube_config()
        _, context = config.list_kube_config_contexts()
        default = context["context"].get("namespace", "default")
    except (config.ConfigException, OSError) as error:
        try:
            config.load_incluster_config()
        except config.ConfigException:
            raise ClusterError(f"{_NO_CLUSTER} ({error})") from None
        default = _POD_NAMESPACE.read_text().strip()
    # The generated client prefers an answer late to none; a command wants the reason soon.
    settings = client.Configuration.get_default_copy()
    settings.retries = False
    return client.ApiClient(settings), default


def ask(what: str, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Makes a call.

    Args:
        what: What it does, to follow "could not".
        call: Of a generated client.
        *arguments: Of the call.
        **options: Of the call.

    Raises:
        MissingError: the object does not exist.
        ConflictError: it exists already, or was changed since it was read.
        UnavailableError: the API server cannot be reached or is in trouble.
        ClusterError: it refuses.
    """
    try:
        return call(*arguments, _request_timeout=TIMEOUT_SECONDS, **options)
    except client.ApiException as error:
        raise plain(error, f"could not {what}") from None
    except (HTTPError, OSError) as error:
        raise UnavailableError(f"The API server cannot be reached: {error}") from None


def plain(error: client.ApiException, tried: str) -> ClusterError:
    """The error of a refused call in plain words."""
    reason = said(error)
    if error.status == 401:
        return ClusterError(f"The API server does not accept the credentials: {tried}. {reason}")
    if error.status == 403:
        return ClusterError(f"Your account lacks the right: {tried}. {reason}")
    if error.status == 404:
        return MissingError(f"It does not exist: {tried}. {reason}")
    if error.status == 409:
        return ConflictError(f"It was changed meanwhile: {tried}. {reason}")
    if error.status in _IN_TROUBLE:
        return UnavailableError(f"The API server is in trouble: {tried}. {reason}")
    return ClusterError(f"The API server answered {error.status}: {tried}. {reason}")


def said(error: client.ApiException) -> str:
    """The API server's own words."""
    return str(body(error).get("message") or error.reason or error.body or "no reason given")


def body(error: client.ApiException) -> dict[str, Any]:
    """The Status that came with an error; empty when none did."""
    try:
        found = json.loads(error.body or "")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
