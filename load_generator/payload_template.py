"""Templates of request bodies: text with fields that are random in every request."""

import random
import re
import uuid
from collections.abc import Callable, Sequence

from load_generator.errors import PayloadError
from load_generator.words import WORDS

FIELDS_HELP = (
    "{{int:LOW:HIGH}}, {{int:LOW:HIGH:COUNT}}, {{float:LOW:HIGH}}, {{float:LOW:HIGH:COUNT}}, "
    "{{choice:A|B|C}}, {{words:LOW:HIGH}}, {{uuid}}"
)
_MAX_COUNT = 1_000_000

Renderer = Callable[[random.Random], str]


class Template:
    """A parsed template.

    Args:
        text: The template; fields are written ``{{NAME:ARGUMENTS}}``, all else stands as it is.

    Raises:
        PayloadError: a field is unknown or malformed.
    """

    def __init__(self, text: str) -> None:
        self._parts: list[Renderer | str] = []
        end = 0
        # The shortest match, so that a field may stand before closing braces of JSON.
        for match in re.finditer(r"\{\{(.*?)\}\}", text, re.DOTALL):
            self._parts += [text[end : match.start()], _field(match.group(1))]
            end = match.end()
        self._parts.append(text[end:])
        if "{{" in text[end:]:
            raise _refusal(text[text.index("{{", end) :][:60])

    def render(self, rng: random.Random) -> bytes:
        """A request body in UTF-8 with every field drawn anew."""
        parts = (part if isinstance(part, str) else part(rng) for part in self._parts)
        return "".join(parts).encode()


def _field(content: str) -> Renderer:
    name, _, rest = content.partition(":")
    try:
        if name == "choice" and rest:
            return _choice(rest.split("|"))
        if name == "uuid" and content == "uuid":
            return _uuid
        arguments = rest.split(":")
        if name == "words" and len(arguments) == 2:
            return _words(*_ordered(int(arguments[0]), int(arguments[1]), least=0))
        if name in ("int", "float") and len(arguments) in (2, 3):
            count = int(arguments[2]) if len(arguments) == 3 else 1
            if 1 <= count <= _MAX_COUNT:
                return _numbers(name, arguments, count)
    except ValueError:
        pass
    raise _refusal("{{" + content + "}}")


def _refusal(found: str) -> PayloadError:
    return PayloadError(
        f"A field of a template must be one of {FIELDS_HELP}, with numbers LOW <= HIGH "
        f"and 1 <= COUNT <= {_MAX_COUNT}, but got {found}"
    )


def _ordered(low: int, high: int, least: int) -> tuple[int, int]:
    if not least <= low <= high <= _MAX_COUNT:
        raise ValueError
    return low, high


def _numbers(name: str, arguments: Sequence[str], count: int) -> Renderer:
    if name == "int":
        whole = int(arguments[0]), int(arguments[1])
        if whole[0] > whole[1]:
            raise ValueError
        return lambda rng: ",".join(str(rng.randint(*whole)) for _ in range(count))
    low, high = float(arguments[0]), float(arguments[1])
    if not -1e300 <= low <= high <= 1e300:  # no infinity, no NaN, no overflow of the difference
        raise ValueError
    return lambda rng: ",".join(f"{low + (high - low) * rng.random():.6g}" for _ in range(count))


def _choice(choices: Sequence[str]) -> Renderer:
    return lambda rng: choices[int(rng.random() * len(choices))]


def _words(low: int, high: int) -> Renderer:
    return lambda rng: " ".join(rng.choices(WORDS, k=rng.randint(low, high)))


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
