"""Serialised ModelInferRequest messages of the Open Inference Protocol v2."""

import json

import numpy as np
from google.protobuf import json_format

from load_generator.errors import PayloadError
from load_generator.payload import Payloads, made
from load_generator.tensors import random_tensors
from protos.inference import open_inference_grpc_pb2 as pb2


def from_json(body: bytes, model: str) -> bytes:
    """Serialises the JSON of a ModelInferRequest.

    Args:
        body: JSON with the fields of the message.
        model: Name of the model, where the JSON gives none.

    Raises:
        PayloadError: it is no such JSON.
    """
    request = pb2.ModelInferRequest()
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError(f"{document!r:.100} is no object")
        json_format.ParseDict(document, request)
    except (ValueError, TypeError, AttributeError, json_format.ParseError) as error:
        raise PayloadError(
            "A payload for gRPC must be the JSON of a ModelInferRequest with tensor data in "
            f"contents or raw_input_contents, but: {error!s:.200}."
        ) from None
    request.model_name = request.model_name or model
    return request.SerializeToString()


def from_metadata(
    metadata: pb2.ModelMetadataResponse, model: str, batch: int, seed: int
) -> Payloads:
    """Makes requests with random tensors in binary form.

    Args:
        metadata: What the model takes.
        model: Name of the model.
        batch: Instances in a request, where the model's first dimension is free.
        seed: Seed of the elements.

    Raises:
        PayloadError: the model declares no inputs or such as no request can be made for.
    """
    inputs = json_format.MessageToDict(metadata).get("inputs")
    rng = np.random.default_rng(seed)
    return Payloads(made(lambda: _random_request(inputs, model, batch, rng)))


def _random_request(inputs: object, model: str, batch: int, rng: np.random.Generator) -> bytes:
    tensors = random_tensors(inputs, batch, rng)
    request = pb2.ModelInferRequest(
        model_name=model,
        inputs=[
            pb2.ModelInferRequest.InferInputTensor(
                name=tensor.name, datatype=tensor.datatype, shape=tensor.shape
            )
            for tensor in tensors
        ],
        raw_input_contents=[tensor.binary_data() for tensor in tensors],
    )
    return request.SerializeToString()
