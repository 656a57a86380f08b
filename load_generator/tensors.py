"""Tensors of the Open Inference Protocol v2: random ones for a model, and their two encodings.

In binary form elements are little-endian and row-major without padding. BOOL takes one byte, and
each BYTES element is its length, four bytes, and then its bytes (Triton's binary tensor data
extension; ``raw_input_contents`` of the protocol's gRPC form says the same).
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from load_generator.errors import PayloadError

# Largest random integer: small enough to be a valid index into most vocabularies.
_INTEGERS = {
    "INT8": 127, "INT16": 1000, "INT32": 1000, "INT64": 1000,
    "UINT8": 255, "UINT16": 1000, "UINT32": 1000, "UINT64": 1000,
}  # fmt: skip
_FLOATS = ("FP16", "FP32", "FP64", "BF16")
DATATYPES = ("BOOL", *_INTEGERS, *_FLOATS, "BYTES")

# NumPy knows no BF16: it is written from FP32 (see `_bfloat16`).
_BINARY_TYPES = {
    "BOOL": "?", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "BF16": "<f4",
}  # fmt: skip
_MAX_ELEMENTS = 2**24


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named input of a request.

    Attributes:
        name: As the model declares it.
        datatype: One of ``DATATYPES``.
        shape: Sizes of the dimensions, none free.
        elements: Row-major elements, shape ``[product of shape]``: booleans, integers or floats of
            64 bits, or objects of type bytes.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    elements: NDArray[Any]

    def json_data(self) -> list[Any]:
        """The elements as JSON carries them; BYTES must be UTF-8 there."""
        if self.datatype == "BYTES":
            return [element.decode() for element in self.elements]
        return list(self.elements.tolist())

    def binary_data(self) -> bytes:
        """The elements in binary form."""
        if self.datatype == "BYTES":
            return b"".join(struct.pack("<I", len(item)) + item for item in self.elements)
        elements = self.elements.astype(_BINARY_TYPES[self.datatype])
        return (_bfloat16(elements) if self.datatype == "BF16" else elements).tobytes()


def random_tensors(inputs: object, batch: int, rng: np.random.Generator) -> list[Tensor]:
    """Makes tensors of the shapes that a model declares.

    A free first dimension becomes ``batch``, every other free dimension 1.

    Args:
        inputs: The list ``inputs`` of the model's metadata, as parsed from JSON.
        batch: Instances in a request.
        rng: Source of the elements.

    Raises:
        PayloadError: there are no inputs, one of them cannot be made, or there is no free
            dimension for a batch.
    """
    if not isinstance(inputs, list) or not inputs:
        raise PayloadError(
            "The model's metadata must declare inputs when no payload is given, "
            f"but got {inputs!r:.200}."
        )
    shapes = [_declared_shape(declared) for declared in inputs]
    if batch > 1 and not any(shape and shape[0] < 0 for shape in shapes):
        raise PayloadError(
            "A batch needs an input whose first dimension is free, "
            f"but the model declares {shapes} for a batch of {batch}."
        )
    return [
        _random_tensor(declared, _fixed(shape, batch), rng)
        for declared, shape in zip(inputs, shapes, strict=True)
    ]


def tensor_from_json(document: object) -> Tensor:
    """Reads one element of ``inputs`` of a v2 request in JSON, its ``data`` flat or nested.

    Raises:
        PayloadError: it is no such element, or its data do not fit its datatype or shape.
    """
    shape = _declared_shape(document)
    assert isinstance(document, Mapping)
    datatype, data = _known_datatype(document), document.get("data")
    elements = _texts(data) if datatype == "BYTES" else _numbers(data, datatype)
    if min(shape) < 0 or elements is None or len(elements) != math.prod(shape):
        raise PayloadError(
            f"The data of input {document.get('name')!r} must be as many {datatype} elements as "
            f"its shape says, but got {data!r:.100} for the shape {list(shape)}."
        )
    return Tensor(str(document.get("name")), datatype, shape, elements)


def _numbers(data: object, datatype: str) -> NDArray[Any] | None:
    """The elements of flat or nested lists of numbers; None when one does not fit the datatype."""
    # As objects at first: NumPy would read booleans as numbers and large integers as floats.
    flat = np.asarray(data, dtype=object).reshape(-1)
    kinds = {bool} if datatype == "BOOL" else {int} if datatype in _INTEGERS else {int, float}
    if not {type(item) for item in flat} <= kinds:
        return None
    try:
        if datatype in _FLOATS:
            wide = flat.astype(np.float64)
            with np.errstate(over="ignore"):
                is_finite = np.isfinite(wide.astype(_BINARY_TYPES[datatype])).all()
            return wide if is_finite else None
        narrow = flat.astype(_BINARY_TYPES[datatype])
    except OverflowError:
        return None
    return narrow if (narrow == flat).all() else None


def _texts(data: object) -> NDArray[Any] | None:
    flat = np.asarray(data, dtype=object).reshape(-1)
    if not all(isinstance(item, str) for item in flat):
        return None
    try:
        return _objects([item.encode() for item in flat])
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
        return None


def _objects(items: list[bytes]) -> NDArray[Any]:
    # Through an empty array: NumPy would cut trailing zero bytes off a sequence of bytes.
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _known_datatype(declared: Mapping[str, Any]) -> str:
    datatype = str(declared.get("datatype"))
    if datatype not in DATATYPES:
        known = ", ".join(DATATYPES)
        raise PayloadError(f"An input's datatype must be one of {known}, but got {datatype!r}.")
    return datatype


def _declared_shape(declared: object) -> tuple[int, ...]:
    """The shape with -1 for free dimensions; JSON made from protobuf holds integers as text."""
    if isinstance(declared, Mapping) and isinstance(declared.get("shape"), list):
        try:
            shape = tuple(max(-1, int(size)) for size in declared["shape"])
        except (TypeError, ValueError, OverflowError):
            shape = (0,)
        if 0 not in shape:
            return shape or (1,)
    raise PayloadError(
        f"An input must have a shape, a list of sizes other than 0, but got {declared!r:.200}."
    )


def _fixed(shape: tuple[int, ...], batch: int) -> tuple[int, ...]:
    first = batch if shape[0] < 0 else shape[0]
    fixed = first, *(max(1, size) for size in shape[1:])
    if math.prod(fixed) > _MAX_ELEMENTS:
        raise PayloadError(
            f"An input must have at most {_MAX_ELEMENTS} elements, but its shape is {fixed!s:.200}."
        )
    return fixed


def _random_tensor(
    declared: Mapping[str, Any], shape: tuple[int, ...], rng: np.random.Generator
) -> Tensor:
    datatype = _known_datatype(declared)
    count = math.prod(shape)
    elements: NDArray[Any]
    if datatype in _FLOATS:
        elements = np.round(rng.random(count), 4)
    elif datatype in _INTEGERS:
        elements = rng.integers(0, _INTEGERS[datatype], count, endpoint=True)
    elif datatype == "BOOL":
        elements = rng.random(count) < 0.5
    else:
        numbers = rng.integers(0, 1000, count).tolist()
        elements = _objects([f"text {number:03d}".encode() for number in numbers])
    return Tensor(str(declared.get("name")), datatype, shape, elements)


def _bfloat16(elements: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves of FP32, rounded to nearest, ties to even; a NaN stays one."""
    bits = elements.view("<u4").astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(elements), 0x7FC0, rounded).astype("<u2")
