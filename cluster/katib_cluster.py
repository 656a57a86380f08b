"""The objects of a cluster that installing reads and changes."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from kubernetes import client

from cluster.connection import ConflictError, MissingError, ask
from cluster.errors import ClusterError
from cluster.installation import CONFIG_KEY, CONFIG_MAP

_MAX_ATTEMPTS = 5
Object = dict[str, Any]


class KatibCluster:
    """A cluster with Katib.

    Args:
        api: Connected.
        katib_namespace: Where Katib runs.
        is_dry: Changes nothing, but prints as if it did.
        show: Gets the differences, as text.
    """

    def __init__(
        self, api: client.ApiClient, katib_namespace: str, is_dry: bool, show: Callable[[str], None]
    ) -> None:
        self.namespace = katib_namespace
        self._api, self._is_dry, self._show = api, is_dry, show
        self._core, self._rbac = client.CoreV1Api(api), client.RbacAuthorizationV1Api(api)
        self._apps = client.AppsV1Api(api)

    def change_config(self, change: Callable[[Object], Object]) -> tuple[Object, Object]:
        """Changes ``katib-config``; reads it anew and tries again when somebody else was quicker.

        Returns:
            The ConfigMap before and after.

        Raises:
            ClusterError: it does not exist, or cannot be changed.
        """
        for _ in range(_MAX_ATTEMPTS):
            before = self._config_map()
            after = change(before)
            if after == before:
                return before, after
            self._show_difference(f"ConfigMap {self.namespace}/{CONFIG_MAP}", before, after)
            if self._is_dry:
                return before, after
            try:
                self._replace_config(after)
            except ConflictError:
                continue
            return before, after
        raise ClusterError(
            f"ConfigMap {CONFIG_MAP} must rest for a moment, but was changed {_MAX_ATTEMPTS} times "
            "while it was to be updated. Try again."
        )

    def ensure_role(self, role: Object, binding: Object) -> None:
        """Creates a ClusterRole and its binding, or brings them up to date."""
        kinds = (
            (role, self._rbac.read_cluster_role, self._rbac.create_cluster_role,
             self._rbac.replace_cluster_role),
            (binding, self._rbac.read_cluster_role_binding, self._rbac.create_cluster_role_binding,
             self._rbac.replace_cluster_role_binding),
        )  # fmt: skip
        for wanted, read, create, replace in kinds:
            name, kind = wanted["metadata"]["name"], wanted["kind"]
            try:
                found = self._plain(ask(f"read the {kind} {name}", read, name))
            except MissingError:
                self._show_difference(f"{kind} {name}", {}, wanted)
                if not self._is_dry:
                    ask(f"create the {kind} {name}", create, wanted)
                continue
            after = {**found, **{key: wanted[key] for key in wanted if key != "metadata"}}
            if after != found:
                self._show_difference(f"{kind} {name}", found, after)
                if not self._is_dry:
                    ask(f"update the {kind} {name}", replace, name, after)

    def delete_role(self, name: str) -> None:
        """Deletes a ClusterRole and the binding of its name, if they exist."""
        deletions = (
            ("ClusterRoleBinding", self._rbac.delete_cluster_role_binding),
            ("ClusterRole", self._rbac.delete_cluster_role),
        )
        for kind, delete in deletions:
            self._show(f"delete {kind} {name}\n")
            if not self._is_dry:
                try:
                    ask(f"delete the {kind} {name}", delete, name)
                except MissingError:
                    continue

    def label_namespace(self, name: str, patch: Object) -> None:
        """Patches a namespace.

        Raises:
            ClusterError: it does not exist.
        """
        try:
            found = self._plain(ask(f"read the namespace {name}", self._core.read_namespace, name))
        except MissingError:
            raise ClusterError(f"The namespace must exist, but got {name!r}.") from None
        labels = found["metadata"].get("labels") or {}
        (label, value), *_ = patch["metadata"]["labels"].items()
        if labels.get(label) != value:
            self._show(f"Namespace {name}: label {label}: {labels.get(label)} -> {value}\n")
            if not self._is_dry:
                ask(f"label the namespace {name}", self._core.patch_namespace, name, patch)

    def restart(self, deployment: str, patch: Object) -> None:
        """Starts a Deployment's pods anew."""
        self._show(f"restart Deployment {self.namespace}/{deployment}\n")
        if not self._is_dry:
            call = self._apps.patch_namespaced_deployment
            ask(f"restart {deployment}", call, deployment, self.namespace, patch)

    def _config_map(self) -> Object:
        read = self._core.read_namespaced_config_map
        try:
            found = self._plain(ask(f"read {CONFIG_MAP}", read, CONFIG_MAP, self.namespace))
        except MissingError:
            raise ClusterError(
                f"Katib must be installed in namespace {self.namespace}, but it has no ConfigMap "
                f"{CONFIG_MAP}. See `morphling doctor`; --katib-namespace names another."
            ) from None
        if CONFIG_KEY not in (found.get("data") or {}):
            raise ClusterError(
                f"ConfigMap {CONFIG_MAP} must have the key {CONFIG_KEY}, but lacks it."
            )
        return found

    def _replace_config(self, after: Object) -> None:
        # With the version that was read: the API server refuses it when there is a newer one.
        call = self._core.replace_namespaced_config_map
        ask(f"update {CONFIG_MAP}", call, CONFIG_MAP, self.namespace, after)

    def _plain(self, found: Any) -> Object:
        return dict(self._api.sanitize_for_serialization(found))

    def _show_difference(self, title: str, before: Object, after: Object) -> None:
        old, new = (_text(one).splitlines(keepends=True) for one in (before, after))
        self._show("".join(difflib.unified_diff(old, new, title, title)))


def _text(one: Mapping[str, Any]) -> str:
    """An object for the reader: a configuration as it is written, anything else as YAML."""
    if not one:
        return ""
    data = one.get("data") or {}
    if CONFIG_KEY in data:
        annotations = one["metadata"].get("annotations") or {}
        return (
            f"{yaml.safe_dump({'annotations': annotations})}{CONFIG_KEY}: |\n{data[CONFIG_KEY]}\n"
        )
    return yaml.safe_dump(dict(one), sort_keys=False)
