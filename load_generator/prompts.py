"""Prompts for language models: random texts of drawn lengths.

Lengths and texts follow from the seed and the index of a request, but for the beginning of a text,
which follows from its number: trials with one seed see the same load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from load_generator.token_lengths import TokenLengths

# Each is one token, its leading space included, for the byte-pair tokenizers of GPT-2 and of
# Mistral (the 32k and the Tekken vocabulary), and so about one for those of other models.
_WORD_TEXT = """
about above act after all along and baby back bank base bath bear bed begin boat body book born
boy bread bring build bus buy came car carry cat catch cause cell child class clean cloud coat
cold color come cook copy cost cover crowd cry dance dark day dear deep down dress drink drop
dry duck each ear early east eat egg end enter face fact fall far farm feel feet few first fish
five fly foot force form fresh gate gave girl glass good got gray group half hard head hear
heart heavy here hill hit hope horse hot human idea join jump just keep kind knew land last late
law learn less let life light line list long lot made make map mark meat meet milk mind month
moon most much music must name near need news next night nine noise note off often one only open
other our out over pair pass plant play power put rain ride rise river road rock room root rose
round row rule run salt same sea see seem serve shall share sharp short show side since sing six
size skin sleep slow small smell snow soft soil son soon sound space speak speed start stay step
stone stop store study such swim table talk tall team test than their thing this today too trade
trip try turn two type under until usual view voice want warm watch water wave west wheel when
which who wild will win wine wing wish with world worth write wrong young
"""
_WORDS = _WORD_TEXT.split()

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
            index: Of the request within its stretch of load; the same in every trial.
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
        self._words: list[str] = words.choice(_WORDS, _NUM_TEXT_WORDS).tolist()
        self._shared: list[str] = prefix.choice(_WORDS, shared_prefix_tokens).tolist()

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
    return [_WORDS[number >> shift & 0xFF] for shift in range(0, 8 * _NUM_UNIQUE_WORDS, 8)]
