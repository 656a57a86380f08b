"""Prompts for language models from a file of JSON lines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from load_generator.errors import PayloadError
from load_generator.prompts import Prompt
from load_generator.token_lengths import TokenLengths


@dataclass(frozen=True, slots=True)
class PromptLine:
    """One line of a prompt file; ``max_tokens`` is 0 where it gives none."""

    text: str
    messages: Sequence[Mapping[str, Any]] | None
    max_tokens: int


class FilePrompts:
    """The lines of a file in their order, and from the first again after the last.

    The order goes on from one stretch of load to the next, so that a line comes again, and may
    then be found in a prefix cache, as late as the file allows.

    Args:
        lines: What ``read_prompts`` has read.
        output_tokens: Lengths of the answers to lines that give none.
        seed: Of these lengths.
    """

    def __init__(self, lines: Sequence[PromptLine], output_tokens: TokenLengths, seed: int) -> None:
        drawn = output_tokens.draw(np.random.default_rng(seed), len(lines)).tolist()
        self._prompts = [
            Prompt(line.text, line.max_tokens or length, line.messages)
            for line, length in zip(lines, drawn, strict=True)
        ]

    def pick(self, _index: int, number: int, /) -> Prompt:
        """The line of a request; see ``Prompts``."""
        return self._prompts[number % len(self._prompts)]


def read_prompts(path: Path, *, is_chat: bool) -> list[PromptLine]:
    """Reads a file of JSON lines with ``prompt`` or ``messages``, and ``max_tokens`` if it likes.

    Args:
        path: The file; empty lines are skipped.
        is_chat: Whether it is for the chat API, which takes ``messages`` too.

    Raises:
        PayloadError: the file cannot be read or a line breaks the rule; the message has its number.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PayloadError(f"The prompts must be a readable text file, but: {error}.") from None
    # Not splitlines, which would also divide at separators that JSON allows within a string.
    lines = [
        _prompt_line(line, f"{path.name}, line {number}", is_chat)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if not lines:
        raise PayloadError(f"The prompts must have at least one line, but {path} has none.")
    return lines


def _prompt_line(line: str, where: str, is_chat: bool) -> PromptLine:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PayloadError(f"A prompt must be a JSON object, but {where} is {line[:60]!r}.")
    text, messages = found.get("prompt", ""), found.get("messages")
    max_tokens = found.get("max_tokens", 0)
    if messages is not None and not is_chat:
        raise PayloadError(f"Only openai-chat takes messages, but {where} has some.")
    if messages is None and not (isinstance(text, str) and text):
        choice = "a prompt text or messages" if is_chat else "a prompt text"
        raise PayloadError(f"Each prompt must hold {choice}, but {where} is {line[:60]!r}.")
    if messages is not None and not _is_chat(messages):
        raise PayloadError(
            f"messages must be a list of objects with a role, but {where} is {line[:60]!r}."
        )
    if type(max_tokens) is not int or ("max_tokens" in found and max_tokens < 1):
        raise PayloadError(f"max_tokens must be at least 1, but {where} has {max_tokens!r}.")
    return PromptLine(text if messages is None else "", messages, max_tokens)


def _is_chat(messages: object) -> bool:
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(isinstance(message, dict) and "role" in message for message in messages)
    )
