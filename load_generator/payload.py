"""Request bodies: what a file holds, or random tensors of the shapes that a v2 model declares."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

# Datatypes of the Open Inference Protocol by the kind of JSON number that carries them.
_INTEGERS = {
    "INT8": 127, "INT16": 1000, "INT32": 1000, "INT64": 1000,
    "UINT8": 255, "UINT16": 1000, "UINT32": 1000, "UINT64": 1000,
}  # fmt: skip
_FLOATS = {"FP16", "FP32", "FP64", "BF16"}


class PayloadError(ValueError):
    """No request body can be made; the message states the rule, then what the model declares."""


def from_metadata(metadata: Mapping[str, Any], seed: int) -> bytes:
    """Makes a v2 inference request from the answer to ``GET /v2/models/<model>``.

    Free dimensions (-1) become 1, so a request carries one instance where the first is the batch.

    Args:
        metadata: Parsed model metadata.
        seed: Seed of the random tensor elements.

    Raises:
        PayloadError: the model declares no inputs, or a datatype that has no JSON form.
    """
    inputs = metadata.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise PayloadError(
            "The model's metadata must declare inputs when no --payload is given, "
            f"but got {json.dumps(inputs)}."
        )
    rng = np.random.default_rng(seed)
    return json.dumps({"inputs": [_tensor(spec, rng) for spec in inputs]}).encode()


def _tensor(spec: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    datatype = str(spec.get("datatype"))
    shape = [max(1, int(size)) for size in spec.get("shape", [])]
    count = int(np.prod(shape, dtype=np.int64)) if shape else 1
    data: list[Any]
    if datatype in _FLOATS:
        data = np.round(rng.random(count), 4).tolist()
    elif datatype in _INTEGERS:
        data = rng.integers(0, _INTEGERS[datatype], count, endpoint=True).tolist()
    elif datatype == "BOOL":
        data = (rng.random(count) < 0.5).tolist()
    elif datatype == "BYTES":
        data = [f"text {number}" for number in rng.integers(0, 1000, count).tolist()]
    else:
        known = ", ".join(sorted([*_FLOATS, *_INTEGERS, "BOOL", "BYTES"]))
        raise PayloadError(f"An input's datatype must be one of {known}, but got {datatype!r}.")
    return {"name": spec.get("name"), "shape": shape or [1], "datatype": datatype, "data": data}
