"""The published JSON Schema of the result file, and how it follows from ``report``.

``result-schema.json`` is what users get; ``build`` makes it from the dataclasses, their docstrings
and the table of rules below, and a test holds the two together. To write it anew:
``python -m load_generator.schema > load_generator/result-schema.json``.
"""

import dataclasses
import inspect
import json
import re
from importlib.resources import files
from types import NoneType
from typing import Any, get_args, get_origin

from load_generator.report import SCHEMA_VERSION, LoadReport, Probe

PROBE_KINDS = ("warm_up", "idle", "saturation", "rate", "confirm")

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
_UNITS = {"rps": "requests/s", "ms": "ms", "seconds": "s"}
# What a type alone does not say. Any number without a rule is at least 0.
_RULES: dict[str, dict[str, Any]] = {
    "feasible": {"enum": [0, 1]},
    "client_limited": {"enum": [0, 1]},
    "error_rate": {"minimum": 0, "maximum": 1},
    "slo_percentile": {"minimum": 50, "exclusiveMaximum": 100},
    "kind": {"enum": list(PROBE_KINDS)},
    "concurrency": {"minimum": 1},
    "histogram": {"contentEncoding": "base64"},
}


def published() -> str:
    """The text of the schema as it is shipped."""
    return files(__package__).joinpath("result-schema.json").read_text("utf-8")


def build() -> dict[str, Any]:
    """Makes the schema from the dataclasses of ``report``.

    It knows every field, as ``report.from_json`` does: another field is another version.
    """
    version = {
        "title": "Schema version",
        "description": "A version has just these fields, and never changes their meaning.",
        "const": SCHEMA_VERSION,
    }
    report = _object(LoadReport)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:morphling-katib:load-test-result:{SCHEMA_VERSION}",
        "title": "Result of a load test",
        **report,
        "properties": {"schema_version": version, **report["properties"]},
        "required": ["schema_version", *report["required"]],
        "$defs": {"Probe": {"title": "Probe", **_object(Probe)}},
    }


def _object(kind: type) -> dict[str, Any]:
    summary, texts = _docstring(kind)
    fields = dataclasses.fields(kind)
    return {
        "description": summary,
        "type": "object",
        "properties": {
            field.name: {
                "title": _title(field.name),
                "description": texts[field.name],
                **_type(field.type),
                **_rules(field.name, field.type),
            }
            for field in fields
        },
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _type(spec: Any) -> dict[str, Any]:
    if get_origin(spec) is tuple:
        item = get_args(spec)[0]
        return {"type": "array", "items": {"$ref": f"#/$defs/{item.__name__}"}}
    names = [_TYPES[part] for part in get_args(spec) or (spec,)]
    return {"type": names[0] if len(names) == 1 else names}


def _rules(name: str, spec: Any) -> dict[str, Any]:
    is_number = {int, float} & {spec, *get_args(spec)}
    return _RULES.get(name, {"minimum": 0} if is_number else {})


def _title(name: str) -> str:
    """``peak_rps_low`` becomes ``Peak low (requests/s)``."""
    words = name.split("_")
    unit = next((_UNITS[word] for word in words if word in _UNITS), "")
    rest = " ".join(word for word in words if word not in _UNITS) or "duration"
    rest = rest.replace("num ", "number of ").replace("slo", "SLO")
    return rest[0].upper() + rest[1:] + (f" ({unit})" if unit else "")


def _docstring(kind: type) -> tuple[str, dict[str, str]]:
    """First paragraph of a docstring, and its attributes by name, in the words of JSON."""
    summary, _, attributes = (inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {5,}.+)*)", attributes, re.M)
    return _plain(summary), {name: _plain(text) for name, text in found}


def _plain(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("``", "`")
    return re.sub(r"\bNone\b", "null", text)


if __name__ == "__main__":
    print(json.dumps(build(), indent=1, ensure_ascii=False))
