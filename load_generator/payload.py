"""Request bodies in a fixed order, and the Open Inference v2 requests among them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from load_generator.errors import PayloadError
from load_generator.tensors import Tensor, random_tensors, tensor_from_json

MAX_BODIES = 256
# Random bodies are made before the measurement and kept: both must stay cheap for large tensors.
MAX_TOTAL_BYTES = 8 * 2**20

_BINARY_HEADER = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Payloads:
    """What the requests carry, by their number, the same in every trial of a seed.

    Attributes:
        bodies: Request bodies in order, at least one; after the last comes the first again.
        headers: HTTP headers that each of them needs.
    """

    bodies: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)

    def pick(self, index: int) -> bytes:
        """The body of the request of a number."""
        return self.bodies[index % len(self.bodies)]

    def converted(self, convert: Callable[[bytes], bytes]) -> "Payloads":
        """The same order of bodies in another form; equal bodies are converted once."""
        forms = {body: convert(body) for body in dict.fromkeys(self.bodies)}
        return Payloads(tuple(forms[body] for body in self.bodies), self.headers)


def made(make: Callable[[], bytes]) -> tuple[bytes, ...]:
    """Makes ``MAX_BODIES`` bodies, or as many as fit into ``MAX_TOTAL_BYTES``, at least one."""
    first = make()
    count = max(1, min(MAX_BODIES, MAX_TOTAL_BYTES // max(1, len(first))))
    return (first, *(make() for _ in range(count - 1)))


def json_payloads(metadata: Mapping[str, Any], seed: int, batch: int = 1) -> Payloads:
    """Makes v2 inference requests from the answer to ``GET /v2/models/<model>``.

    Args:
        metadata: Parsed model metadata.
        seed: Seed of the random tensor elements.
        batch: Instances in a request, where the model's first dimension is free.

    Raises:
        PayloadError: the model declares no inputs or such as no request can be made for.
    """
    rng = np.random.default_rng(seed)
    return Payloads(made(lambda: _json_request(random_tensors(metadata.get("inputs"), batch, rng))))


def binary_payloads(metadata: Mapping[str, Any], seed: int, batch: int = 1) -> Payloads:
    """As ``json_payloads``, with the tensors in binary form behind the JSON.

    Raises:
        PayloadError: as ``json_payloads``.
    """
    rng = np.random.default_rng(seed)

    def make() -> tuple[bytes, bytes]:
        return _binary_request({}, random_tensors(metadata.get("inputs"), batch, rng))

    # All of them have tensors of equal sizes, and so JSON of equal length.
    length = len(make()[0])
    return Payloads(made(lambda: b"".join(make())), _binary_headers(length))


def binary_from_json(payloads: Payloads) -> Payloads:
    """Turns v2 requests in JSON into such with binary tensors.

    Raises:
        PayloadError: a body is not such a request.
    """
    parts = {body: _split(body) for body in dict.fromkeys(payloads.bodies)}
    # One set of headers serves all bodies: white space after JSON makes up for its length.
    length = max(len(header) for header, _ in parts.values())
    padded = {body: header.ljust(length) + data for body, (header, data) in parts.items()}
    return Payloads(tuple(padded[body] for body in payloads.bodies), _binary_headers(length))


def _split(body: bytes) -> tuple[bytes, bytes]:
    """A v2 request in JSON as JSON and binary tensors."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise PayloadError(f"A v2 request must be JSON, but: {error}.") from None
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise PayloadError(f"A v2 request must have inputs, but got {body[:200]!r}.")
    parameters = document.get("parameters", {})
    if not isinstance(parameters, dict):
        raise PayloadError(f"A v2 request's parameters must be an object, but got {parameters!r}.")
    return _binary_request(document, [tensor_from_json(item) for item in inputs])


def _json_request(tensors: Sequence[Tensor]) -> bytes:
    inputs = [{**_description(tensor), "data": tensor.json_data()} for tensor in tensors]
    return json.dumps({"inputs": inputs}).encode()


def _binary_request(document: Mapping[str, Any], tensors: Sequence[Tensor]) -> tuple[bytes, bytes]:
    """The JSON, with all of ``document`` but its inputs, and the data that follow it."""
    data = [tensor.binary_data() for tensor in tensors]
    inputs = [
        {**_description(tensor), "parameters": {"binary_data_size": len(binary)}}
        for tensor, binary in zip(tensors, data, strict=True)
    ]
    parameters = {**document.get("parameters", {}), "binary_data_output": True}
    document = {**document, "inputs": inputs, "parameters": parameters}
    return json.dumps(document).encode(), b"".join(data)


def _binary_headers(length: int) -> dict[str, str]:
    return {"Content-Type": "application/octet-stream", _BINARY_HEADER: str(length)}


def _description(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
