"""Lengths of prompts and answers in tokens: fixed, or drawn from a distribution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from load_generator.errors import PayloadError

# Beyond the context of any model: a slip of the pen, or the far tail of a distribution.
MAX_TOKENS = 1_000_000
_MAX_SIGMA = 4.0

_FORMS = "fixed:N, uniform:A:B, normal:MEAN:SD or lognormal:MEDIAN:SIGMA"


@dataclass(frozen=True, slots=True)
class TokenLengths:
    """A distribution of lengths, from ``parse_token_lengths``.

    Attributes:
        kind: ``fixed``, ``uniform``, ``normal`` or ``lognormal``.
        first: N, A, MEAN or MEDIAN, in tokens.
        second: B or SD in tokens, or SIGMA, the SD of the logarithm; 0 with ``fixed``.
    """

    kind: str
    first: float
    second: float = 0.0

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Draws lengths of at least 1 token, shape ``[count]``."""
        if self.kind == "fixed":
            return np.full(count, int(self.first), dtype=np.int64)
        if self.kind == "uniform":
            return rng.integers(int(self.first), int(self.second), count, np.int64, endpoint=True)
        normal = rng.standard_normal(count)
        if self.kind == "normal":
            drawn = self.first + self.second * normal
        else:
            drawn = self.first * np.exp(self.second * normal)
        return np.rint(np.clip(drawn, 1, MAX_TOKENS)).astype(np.int64)


def parse_token_lengths(text: str) -> TokenLengths:
    """Reads ``fixed:N``, ``uniform:A:B``, ``normal:MEAN:SD`` or ``lognormal:MEDIAN:SIGMA``.

    N, A and B are whole numbers; B is included.

    Raises:
        PayloadError: the text has none of these forms, or a number is out of range.
    """
    kind, *words = text.split(":")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != {"fixed": 1, "uniform": 2, "normal": 2, "lognormal": 2}.get(kind):
        raise PayloadError(f"Token lengths must be {_FORMS}, but got {text!r}.")
    first, second = (*numbers, 0.0)[:2]
    tokens = numbers if kind == "uniform" else numbers[:1]
    if not all(1 <= number <= MAX_TOKENS for number in tokens):
        raise PayloadError(f"Token lengths must be from 1 to {MAX_TOKENS}, but got {text!r}.")
    if kind in ("fixed", "uniform") and not all(number.is_integer() for number in tokens):
        raise PayloadError(f"{kind} token lengths must be whole numbers, but got {text!r}.")
    if kind == "uniform" and first > second:
        raise PayloadError(f"A <= B must hold in uniform:A:B, but got {text!r}.")
    limit = _MAX_SIGMA if kind == "lognormal" else MAX_TOKENS
    if not 0 <= second <= limit:
        raise PayloadError(f"The spread must be from 0 to {limit:g}, but got {text!r}.")
    return TokenLengths(kind, first, second)
