"""The committed protobuf modules are current, and get along with Katib's SDK in one process."""

import subprocess
import sys
from pathlib import Path

import pytest
from kubeflow.katib import katib_api_pb2

from protos import generate
from protos.inference import open_inference_grpc_pb2
from protos.katib import api_pb2

ROOT = Path(generate.__file__).parent


def test_katib_descriptor_equals_the_sdk_to_the_byte():
    assert api_pb2.DESCRIPTOR.serialized_pb == katib_api_pb2.DESCRIPTOR.serialized_pb


@pytest.mark.parametrize(
    "order",
    [
        "from protos.katib import api_pb2_grpc; from kubeflow.katib import katib_api_pb2",
        "from kubeflow.katib import katib_api_pb2; from protos.katib import api_pb2_grpc",
    ],
)
def test_both_copies_load_in_one_process(order: str):
    done = subprocess.run([sys.executable, "-c", order], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_committed_files_are_what_the_generator_writes(tmp_path: Path):
    written = generate.generate(tmp_path)
    assert len(written) == 3 * len(generate.PROTO_FILES)
    for path in written:
        current = (ROOT / path).read_text()
        assert (tmp_path / path).read_text() == current, f"run `make protos`: {path}"


def test_a_message_survives_the_wire():
    request = api_pb2.GetSuggestionsRequest(current_request_number=3, total_request_number=5)
    request.experiment.spec.objective.goal = 0.25
    copy = katib_api_pb2.GetSuggestionsRequest.FromString(request.SerializeToString())
    assert copy.current_request_number == 3
    assert copy.experiment.spec.objective.goal == 0.25


def test_open_inference_service_has_the_published_methods():
    service = open_inference_grpc_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    assert service.full_name == "inference.GRPCInferenceService"
    assert {method.name for method in service.methods} >= {
        "ServerLive",
        "ServerReady",
        "ModelReady",
        "ServerMetadata",
        "ModelMetadata",
        "ModelInfer",
    }


def test_open_inference_field_numbers_are_the_published_ones():
    fields = open_inference_grpc_pb2.ModelInferRequest.DESCRIPTOR.fields_by_name
    assert {name: field.number for name, field in fields.items()} == {
        "model_name": 1,
        "model_version": 2,
        "id": 3,
        "parameters": 4,
        "inputs": 5,
        "outputs": 6,
        "raw_input_contents": 7,
    }
