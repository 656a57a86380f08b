"""Renders a trial template as Katib does: text replacement in the JSON of the trialSpec.

Source: pkg/controller.v1beta1/experiment/manifest/generator.go:97-197 in Katib.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from local_runner.experiment import TrialTemplate

_META = re.compile(r"^\$\{trialSpec\.(Name|Namespace|Kind|APIVersion)\}$")
_META_ENTRY = re.compile(r"^\$\{trialSpec\.(Labels|Annotations)\[(.+)\]\}$")
_PLACEHOLDER = re.compile(r"\$\{trialParameters\.([^}]*)\}")


class TemplateError(ValueError):
    """The template cannot be rendered; the message names the placeholder."""


def render(
    template: TrialTemplate, assignments: Mapping[str, str], trial_name: str, namespace: str
) -> dict[str, Any]:
    """Renders the object of one trial.

    Args:
        template: Whose ``trialSpec`` to render.
        assignments: Parameter name to value.
        trial_name: Becomes the object's name.
        namespace: Becomes the object's namespace.

    Raises:
        TemplateError: a placeholder has no value, or a value breaks the JSON.
    """
    text = json.dumps(template.trial_spec)
    for parameter in template.trial_parameters:
        placeholder = f"${{trialParameters.{parameter.name}}}"
        if placeholder not in text:
            raise TemplateError(f"trialSpec must hold {placeholder}, but does not.")
        value = _value(template, parameter.reference, assignments, trial_name, namespace)
        text = text.replace(placeholder, value)
    if left := _PLACEHOLDER.search(text):
        raise TemplateError(f"trialParameters must declare {left[1]!r}, which trialSpec uses.")
    try:
        rendered: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise TemplateError(f"Values must leave trialSpec valid JSON, but: {error}.") from None
    metadata = rendered.setdefault("metadata", {})
    metadata["name"], metadata["namespace"] = trial_name, namespace
    return rendered


def _value(
    template: TrialTemplate,
    reference: str,
    assignments: Mapping[str, str],
    trial_name: str,
    namespace: str,
) -> str:
    if reference in assignments:
        return assignments[reference]
    spec = template.trial_spec
    if match := _META.match(reference):
        values = {
            "Name": trial_name,
            "Namespace": namespace,
            "Kind": spec["kind"],
            "APIVersion": spec["apiVersion"],
        }
        return str(values[match[1]])
    if match := _META_ENTRY.match(reference):
        entries = (spec.get("metadata") or {}).get(match[1].lower()) or {}
        if match[2] in entries:
            return str(entries[match[2]])
    raise TemplateError(f"{reference} must be a parameter or a field of trialSpec, but is not.")
