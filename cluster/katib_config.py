"""Edits ``katib-config``: our entries in, everything else left byte for byte.

A YAML writer would lose comments and change quotes, so that the text is edited at the lines that
the parser names. Structure: pkg/apis/config/v1beta1/types.go of kubeflow/katib.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from cluster.errors import ClusterError

TRIAL_RESOURCE = "InferenceService.v1beta1.serving.kserve.io"
ALGORITHM = "morphling"
BUILT_IN = "bayesianoptimization"
SUGGESTIONS = ("runtime", "suggestions")
TRIAL_RESOURCES = ("init", "controller", "trialResources")
_NAME = "algorithmName"


def suggestion_entry(algorithm: str, image: str) -> dict[str, Any]:
    """Our entry of ``runtime.suggestions``.

    Katib's own limits, 100 MiB and half a core, would end the service
    (pkg/apis/config/v1beta1/defaults.go:19-37); TensorFlow needs 700 MiB.
    """
    return {
        _NAME: algorithm,
        "image": image,
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"cpu": "2", "memory": "1536Mi"},
        },
        # What the "restricted" level of Kubernetes' pod security asks of a container.
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def suggestion_text(text: str, algorithm: str) -> str | None:
    """The lines of an algorithm's entry as they stand; None when there is none."""
    found = _find(text, algorithm)
    return None if found is None else "".join(text.splitlines(keepends=True)[slice(*found)])


def with_suggestion(text: str, entry: Mapping[str, Any]) -> str:
    """The text with an entry of ``runtime.suggestions`` added or brought up to date.

    Args:
        text: Of ``katib-config.yaml``.
        entry: As ``suggestion_entry`` makes it.

    Raises:
        ClusterError: the text is no such configuration, or in a style that cannot be edited.
    """
    current = suggestion_text(text, entry[_NAME])
    if current is not None and yaml.safe_load(current) == [entry]:
        return text
    lines = yaml.safe_dump([entry], sort_keys=False).splitlines(keepends=True)
    return _with_item(text, SUGGESTIONS, lines, _find(text, entry[_NAME]))


def with_suggestion_text(text: str, algorithm: str, lines: str) -> str:
    """The text with an algorithm's entry replaced by lines as ``suggestion_text`` gave them."""
    found = _find(text, algorithm)
    if found is None:
        raise ClusterError(f"katib-config must have an entry of {algorithm}, but has none.")
    return _spliced(text, found, lines.splitlines(keepends=True))


def without_suggestion(text: str, algorithm: str) -> str:
    """The text without an algorithm's entry."""
    return _without_item(text, SUGGESTIONS, _find(text, algorithm))


def has_trial_resource(text: str) -> bool:
    """Whether Katib watches InferenceServices."""
    sequence = _sequence(text, TRIAL_RESOURCES)
    return sequence is not None and any(n.value == TRIAL_RESOURCE for n in sequence.value)


def with_trial_resource(text: str) -> str:
    """The text with InferenceServices among the kinds that trials may be."""
    if has_trial_resource(text):
        return text
    return _with_item(text, TRIAL_RESOURCES, [f"- {TRIAL_RESOURCE}\n"], None)


def without_trial_resource(text: str) -> str:
    """The text without InferenceServices among the kinds that trials may be."""
    sequence = _sequence(text, TRIAL_RESOURCES)
    items = [] if sequence is None else sequence.value
    found = [n for n in items if n.value == TRIAL_RESOURCE]
    return _without_item(text, TRIAL_RESOURCES, _lines(found[0]) if found else None)


def _root(text: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ClusterError(f"katib-config must hold YAML, but: {error}") from None
    if not isinstance(root, yaml.MappingNode):
        raise ClusterError("katib-config must hold a mapping, but does not.")
    return root


def _sequence(text: str, path: Sequence[str]) -> yaml.SequenceNode | None:
    """The list at a path; None when it is missing or empty."""
    node: yaml.Node = _root(text)
    for name in path:
        if not isinstance(node, yaml.MappingNode):
            raise ClusterError(f"{'.'.join(path)} must be in mappings, but is not.")
        found = [value for key, value in node.value if key.value == name]
        if not found:
            return None
        node = found[0]
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
        return None
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        raise ClusterError(f"{'.'.join(path)} must be a list with an item a line, but is not.")
    return node


def _find(text: str, algorithm: str) -> tuple[int, int] | None:
    """First line of an algorithm's entry and the line after its last."""
    sequence = _sequence(text, SUGGESTIONS)
    for item in [] if sequence is None else sequence.value:
        fields = {} if not isinstance(item, yaml.MappingNode) else dict(_scalars(item))
        if fields.get(_NAME) == algorithm:
            return _lines(item)
    return None


def _scalars(node: yaml.MappingNode) -> list[tuple[str, str]]:
    return [(k.value, v.value) for k, v in node.value if isinstance(v, yaml.ScalarNode)]


def _lines(item: yaml.Node) -> tuple[int, int]:
    return item.start_mark.line, _last_line(item) + 1


def _last_line(node: yaml.Node) -> int:
    """The end that the parser gives a collection lies behind the comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or not node.value or node.flow_style:
        mark = node.end_mark
        # A block scalar (| or >) ends at the beginning of the next line.
        is_past = mark.column == 0 and mark.line > node.start_mark.line
        return int(mark.line - is_past)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _with_item(
    text: str, path: Sequence[str], item: Sequence[str], current: tuple[int, int] | None
) -> str:
    sequence = _sequence(text, path)
    if sequence is None:
        return _with_list(text, path, item)
    indent = " " * sequence.start_mark.column
    place = current or (end := _lines(sequence.value[-1])[1], end)
    return _spliced(text, place, [indent + line for line in item])


def _with_list(text: str, path: Sequence[str], item: Sequence[str]) -> str:
    """Adds the list itself, as the first key of the mapping that is to hold it."""
    node = _root(text)
    for name in path[:-1]:
        found = [v for k, v in node.value if k.value == name and isinstance(v, yaml.MappingNode)]
        if not found or found[0].flow_style:
            raise ClusterError(f"katib-config must have a mapping {name} of a key a line.")
        node = found[0]
    if any(key.value == path[-1] for key, _ in node.value):
        raise ClusterError(f"{'.'.join(path)} must be a list with an item a line, but is empty.")
    indent = " " * node.start_mark.column
    lines = [f"{indent}{path[-1]}:\n", *(f"{indent}  {line}" for line in item)]
    start = node.start_mark.line
    return _spliced(text, (start, start), lines)


def _without_item(text: str, path: Sequence[str], place: tuple[int, int] | None) -> str:
    if place is None:
        return text
    sequence = _sequence(text, path)
    assert sequence is not None, "it holds the item"
    if len(sequence.value) == 1:
        # A key without a list would be null; the list was ours.
        place = (_key_line(text, path), place[1])
    return _spliced(text, place, [])


def _key_line(text: str, path: Sequence[str]) -> int:
    node: yaml.Node = _root(text)
    line = 0
    for name in path:
        key, node = next((k, v) for k, v in node.value if k.value == name)
        line = key.start_mark.line
    return line


def _spliced(text: str, place: tuple[int, int], new: Sequence[str]) -> str:
    # The last line of a text need not end; whatever comes to be the last then does not either.
    is_open = not text.endswith("\n")
    lines = (text + "\n" * is_open).splitlines(keepends=True)
    lines[slice(*place)] = new
    return "".join(lines).removesuffix("\n" * is_open)
