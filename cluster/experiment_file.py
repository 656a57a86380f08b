"""Reads an Experiment from a YAML file and finds the flaws that a cluster would not tell.

The API server keeps an Experiment's fields as they come, so that a misspelt one is silently
ignored, and a number where Katib wants text is refused without its path. The Katib SDK's models
know each field. All other rules are Katib's own to check.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubeflow.katib import models as katib_models
from kubernetes.client import models as core_models

from cluster.errors import ClusterError

# Types of the models that Python's own types can hold; others are left to Katib.
_SCALARS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "str": ("text (in quotes)", (str,)),
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
}


class FlawError(ClusterError):
    """The file is no usable Experiment; the message lists every flaw."""


def load_experiment(path: Path) -> dict[str, Any]:
    """Reads and checks an Experiment.

    Raises:
        FlawError: the file cannot be read, is not one YAML document, or has flaws.
    """
    try:
        text = path.read_text(encoding="utf-8")
        documents = list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError) as error:
        raise FlawError(f"The Experiment must be a readable text file: {error}") from None
    except yaml.YAMLError as error:
        raise FlawError(f"{path} must be YAML, but: {error}") from None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise FlawError(
            f"{path} must hold one Experiment, but holds {len(documents)} documents "
            "(`kubectl apply` takes several)."
        )
    experiment = documents[0]
    flaws = [*_head(experiment), *_repeated_keys(yaml.compose(text, yaml.SafeLoader))] or [
        *_fields(experiment, "V1beta1Experiment", ""),
        *_unused_parameters(experiment),
    ]
    if flaws:
        lines = "\n".join(f"  {flaw}" for flaw in flaws)
        raise FlawError(f"{path} has flaws:\n{lines}")
    return experiment


def _repeated_keys(node: yaml.Node | None) -> Iterator[str]:
    """YAML itself would silently keep the last."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                yield f"{key.value}: must not be given twice, but is on line {line}"
            seen.add(key.value)
            yield from _repeated_keys(value)


def _head(experiment: Mapping[str, Any]) -> Iterator[str]:
    for field, wanted in (("apiVersion", "kubeflow.org/v1beta1"), ("kind", "Experiment")):
        if experiment.get(field) != wanted:
            yield f"{field}: must be {wanted}, but got {experiment.get(field)!r}"
    metadata = experiment.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        yield "metadata.name: must be given, but is missing"
    if not isinstance(experiment.get("spec"), dict):
        yield "spec: must be given, but is missing"


def _fields(value: Any, kind: str, path: str) -> Iterator[str]:
    """Flaws of a value that should be of a model's type."""
    inner = re.fullmatch(r"(list|dict)[\[(](?:str, *)?(.+)[\])]", kind, re.IGNORECASE)
    model = getattr(katib_models, kind, None) or getattr(core_models, kind, None)
    if value is None:
        return
    if inner:
        is_list = inner[1].lower() == "list"
        if not isinstance(value, list if is_list else dict):
            yield f"{path}: must be a {'list' if is_list else 'mapping'}, but got {value!r:.60}"
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _fields(item, _of_a_quantity(inner[2], path), f"{path}.{key}")
    elif model:
        yield from _model(value, model, path)
    elif kind in _SCALARS:
        name, types = _SCALARS[kind]
        if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
            yield f"{path}: must be {name}, but got {value!r:.60}"


def _model(value: Any, model: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: must be a mapping, but got {value!r:.60}"
        return
    kinds = {name: model.openapi_types[field] for field, name in model.attribute_map.items()}
    for key, item in value.items():
        where = f"{path}.{key}".removeprefix(".")
        if key not in kinds:
            yield f"{where}: is no field here; known are {', '.join(sorted(kinds))}"
        elif key != "status":
            yield from _fields(item, kinds[key], where)


def _of_a_quantity(kind: str, path: str) -> str:
    """Amounts of a resource are text to the models, but plain numbers are just as good."""
    return "object" if path.endswith((".limits", ".requests")) else kind


def _unused_parameters(experiment: Mapping[str, Any]) -> Iterator[str]:
    """Katib accepts a parameter that the trial template leaves out, and then makes no Trial."""
    spec = experiment["spec"]
    template = spec.get("trialTemplate") or {}
    references = {p.get("reference") for p in _mappings(template, "trialParameters")}
    for parameter in _mappings(spec, "parameters"):
        name = parameter.get("name")
        if name not in references:
            yield (
                "spec.trialTemplate.trialParameters: must refer to every parameter, "
                f"but not to {name!r}"
            )


def _mappings(parent: Any, key: str) -> list[Mapping[str, Any]]:
    found = parent.get(key) if isinstance(parent, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
