"""Checks an object field by field against the published models of KServe and Kubernetes.

``kserve_fields.json`` holds the fields and types that the package kserve 0.17.0 publishes for an
InferenceService (kserve/models on PyPI); 0.21.0 has all of them with the same types. Everything
below is of Kubernetes, whose models the kubernetes client holds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kubernetes import client

_KSERVE: Mapping[str, Mapping[str, str]] = json.loads(
    Path(__file__).with_name("kserve_fields.json").read_text()
)
_SCALARS = {"str": str, "int": int, "bool": bool}
# A quantity, and a port by number or name.
_NUMBER_OR_TEXT = ("ResourceQuantity", "IntOrString", "object")


def flaws(value: Any, kind: str, at: str = "") -> Iterator[str]:
    """Every field that the type does not have, and every value of the wrong type.

    Args:
        value: As parsed from YAML.
        kind: Type in the notation of the generated clients: ``list[V1Container]``.
        at: Path of the value.
    """
    if found := re.fullmatch(r"[Ll]ist\[(.+)\]", kind):
        if not isinstance(value, list):
            yield f"{at} must be a list, but is {value!r}"
            return
        for index, item in enumerate(value):
            yield from flaws(item, found[1], f"{at}[{index}]")
    elif found := re.fullmatch(r"dict\(str, (.+)\)|Dict\[str, (.+)\]", kind):
        if not isinstance(value, dict):
            yield f"{at} must be a mapping, but is {value!r}"
            return
        for key, item in value.items():
            yield from flaws(item, found[1] or found[2], f"{at}.{key}")
    elif kind in _SCALARS:
        if type(value) is not _SCALARS[kind]:
            yield f"{at} must be {kind}, but is {value!r}"
    elif kind in _NUMBER_OR_TEXT:
        if not isinstance(value, int | float | str):
            yield f"{at} must be a number or a text, but is {value!r}"
    else:
        yield from _object_flaws(value, kind, at)


def _object_flaws(value: Any, kind: str, at: str) -> Iterator[str]:
    fields = _fields(kind)
    if not isinstance(value, dict):
        yield f"{at} must be a {kind}, but is {value!r}"
        return
    for key, item in value.items():
        if key in fields:
            yield from flaws(item, fields[key], f"{at}.{key}")
        else:
            yield f"{at}.{key} is not a field of {kind}"


def _fields(kind: str) -> Mapping[str, str]:
    if kind in _KSERVE:
        return _KSERVE[kind]
    model = getattr(client, kind)
    return {model.attribute_map[name]: type_ for name, type_ in model.openapi_types.items()}
