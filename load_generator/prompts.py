"""Prompts for language models: random texts of drawn lengths.

Lengths and texts follow from the seed and the index of a request, but for the beginning of a text,
which follows from its number: trials with one seed see the same load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from load_generator.token_lengths import TokenLengths
from load_generator.words import WORDS

# Lengths and places in the text repeat after so many requests, which is no matter: it is the
# unique beginning that keeps a prompt out of the prefix cache.
_NUM_DRAWN = 4096
_NUM_TEXT_WORDS = 2**16
# Prompts that differ in one of their first tokens share no block of a prefix cache. Four words
# tell 256**4 prompts apart.
_NUM_UNIQUE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one request asks for.

    Attributes:
        text: The prompt, or what the user says in a chat.
        max_tokens: Tokens to generate.
        messages: The whole chat; None where ``text`` makes it up.
    """

    text: str
    max_tokens: int
    messages: Sequence[Mapping[str, Any]] | None = None


class Prompts(Protocol):
    """Source of prompts."""

    def pick(self, index: int, number: int, /) -> Prompt:
        """The prompt of a request.

        Args:
            index: Of the payload; the same in every trial.
            number: Of the request within the whole test; none comes twice.
        """


class RandomPrompts:
    """Texts of random words, about one token each.

    Every text begins with words of its own, after the prefix that all share if any: a server that
    caches prefixes would otherwise show the speed of its cache.

    Args:
        input_tokens: Lengths of the prompts, without the shared prefix.
        output_tokens: Lengths of the answers.
        seed: Equal seeds give equal lengths and texts.
        shared_prefix_tokens: Words that all prompts begin with, like a system prompt.
    """

    def __init__(
        self,
        input_tokens: TokenLengths,
        output_tokens: TokenLengths,
        seed: int,
        shared_prefix_tokens: int = 0,
    ) -> None:
        # One generator for each, so that a change of one leaves the others as they are.
        inputs, outputs, offsets, words, prefix = np.random.default_rng(seed).spawn(5)
        self._inputs = input_tokens.draw(inputs, _NUM_DRAWN).tolist()
        self._outputs = output_tokens.draw(outputs, _NUM_DRAWN).tolist()
        self._offsets = offsets.integers(_NUM_TEXT_WORDS, size=_NUM_DRAWN).tolist()
        self._words: list[str] = words.choice(WORDS, _NUM_TEXT_WORDS).tolist()
        self._shared: list[str] = prefix.choice(WORDS, shared_prefix_tokens).tolist()

    def pick(self, index: int, number: int, /) -> Prompt:
        """The text of a request; see ``Prompts``."""
        place = index % _NUM_DRAWN
        length = self._inputs[place]
        unique = _unique_words(number)[:length]
        rest = self._cut(self._offsets[place], length - len(unique))
        return Prompt(" ".join([*self._shared, *unique, *rest]), self._outputs[place])

    def _cut(self, offset: int, length: int) -> list[str]:
        words = self._words[offset : offset + length]
        while len(words) < length:
            words += self._words[: length - len(words)]
        return words


def _unique_words(number: int) -> list[str]:
    """The number in base 256, its lowest digit first: neighbours differ in the first word."""
    return [WORDS[number >> shift & 0xFF] for shift in range(0, 8 * _NUM_UNIQUE_WORDS, 8)]
