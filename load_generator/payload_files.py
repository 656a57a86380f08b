"""Request bodies from files: as they stand, as templates, and mixed by weights."""

import itertools
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from load_generator.errors import PayloadError
from load_generator.payload import Payloads, made
from load_generator.payload_template import Template

_MAX_CYCLE = 10_000
# The order holds references to the bodies only.
_MAX_LENGTH = 100_000


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """One source of request bodies.

    Attributes:
        path: The file.
        weight: Share of the requests, relative to the other sources.
        is_template: Whether ``{{fields}}`` are to be filled in; else the bytes go out unchanged.
    """

    path: Path
    weight: Fraction = Fraction(1)
    is_template: bool = False


def parse_payload_file(text: str, is_template: bool = False) -> PayloadFile:
    """Reads ``FILE`` or ``FILE=WEIGHT``.

    Raises:
        PayloadError: the weight is not above 0.
    """
    match = re.fullmatch(r"(.+)=(-?\d{1,9}(\.\d{1,9})?)", text, re.DOTALL | re.ASCII)
    if match is None:  # an equals sign before anything but a number belongs to the file's name
        return PayloadFile(Path(text), is_template=is_template)
    name, weight = match[1], Fraction(match[2])
    if weight <= 0:
        raise PayloadError(f"The weight in FILE=WEIGHT must be a number above 0, but got {text!r}.")
    return PayloadFile(Path(name), weight, is_template)


def read_payloads(files: Sequence[PayloadFile], seed: int) -> Payloads:
    """Reads the files and lays out their bodies.

    Within a cycle each file comes exactly as often as the weights say, in an order drawn from the
    seed. There are so many cycles that every rendering of every template is sent.

    Args:
        files: At least one.
        seed: Seed of the fields and of the order.

    Raises:
        PayloadError: a file cannot be read or is no template, or the weights make a cycle of more
            than 10,000 requests.
    """
    counts = _counts_in_cycle([file.weight for file in files])
    # A generator of its own for each file, so that none changes what another yields.
    sources = [_bodies(file, random.Random(f"{seed} {i}")) for i, file in enumerate(files)]
    needed = max(math.ceil(len(s) / count) for s, count in zip(sources, counts, strict=True))
    num_cycles = max(1, min(needed, _MAX_LENGTH // sum(counts)))
    order_rng = random.Random(seed)
    turns = [itertools.cycle(source) for source in sources]
    bodies: list[bytes] = []
    for _ in range(num_cycles):
        order = [turn for turn, count in zip(turns, counts, strict=True) for _ in range(count)]
        order_rng.shuffle(order)
        bodies += map(next, order)
    return Payloads(tuple(bodies))


def _counts_in_cycle(weights: Sequence[Fraction]) -> list[int]:
    """The smallest whole numbers in the ratios of the weights."""
    scale = math.lcm(*(weight.denominator for weight in weights))
    counts = [int(weight * scale) for weight in weights]
    divisor = math.gcd(*counts)
    counts = [count // divisor for count in counts]
    if sum(counts) > _MAX_CYCLE:
        raise PayloadError(
            f"The weights must repeat within {_MAX_CYCLE} requests, but {counts} repeat after "
            f"{sum(counts)}."
        )
    return counts


def _bodies(file: PayloadFile, rng: random.Random) -> Sequence[bytes]:
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise PayloadError(f"A payload must be a readable file, but: {error}.") from None
    if not file.is_template:
        return (content,)
    try:
        template = Template(content.decode())
    except UnicodeDecodeError as error:
        raise PayloadError(f"A template must be UTF-8, but {file.path}: {error}.") from None
    except PayloadError as error:
        raise PayloadError(f"{file.path}: {error}") from None
    return made(lambda: template.render(rng))
