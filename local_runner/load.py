"""Reads an Experiment from a YAML file."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from local_runner.experiment import Experiment, flaws

# An Experiment is a few kilobytes; Kubernetes itself stops at about 1.5 MB.
_MAX_BYTES = 1_500_000


class ExperimentError(ValueError):
    """The Experiment has flaws; the message lists every one on a line of its own."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that is given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} must not be given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # Aliases can grow a small file beyond all memory, and no Experiment needs them.
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases are not supported", event.start_mark
            )
        return super().compose_node(parent, index)


def load_experiment(path: Path) -> Experiment:
    """Reads and checks an Experiment.

    Raises:
        ExperimentError: the file cannot be read, is not YAML, or breaks a rule.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ExperimentError(f"{path} must be smaller than {_MAX_BYTES} bytes.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"The Experiment must be a readable text file: {error}") from None
    return parse_experiment(text, str(path))


def parse_experiment(text: str, origin: str = "Experiment") -> Experiment:
    """Parses and checks the text of an Experiment; see ``load_experiment``."""
    try:
        document = yaml.load(text, _UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ExperimentError(f"{origin} must be one YAML document, but: {error}") from None
    if not isinstance(document, dict):
        raise ExperimentError(f"{origin} must hold a mapping, but got {type(document).__name__}.")
    document.pop("status", None)
    try:
        return Experiment.model_validate(document)
    except ValidationError as error:
        lines = "\n".join(f"  {line}" for line in flaws(error.errors()))
        raise ExperimentError(f"{origin} has flaws:\n{lines}") from None
