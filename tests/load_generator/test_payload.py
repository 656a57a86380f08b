"""Request bodies of the Open Inference Protocol: known JSON, known bytes, known order."""

import json

import pytest

from load_generator.errors import PayloadError
from load_generator.payload import (
    MAX_TOTAL_BYTES,
    Payloads,
    binary_from_json,
    binary_payloads,
    json_payloads,
)

METADATA = {
    "name": "m",
    "inputs": [
        {"name": "f", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "i", "datatype": "INT64", "shape": [2, -1]},
        {"name": "s", "datatype": "BYTES", "shape": [1]},
    ],
}


def test_bodies_come_in_turn():
    payloads = Payloads((b"a", b"b", b"c"))
    assert [payloads.pick(index) for index in range(5)] == [b"a", b"b", b"c", b"a", b"b"]


def test_a_conversion_keeps_the_order_and_does_each_body_once():
    seen: list[bytes] = []

    def upper(body: bytes) -> bytes:
        seen.append(body)
        return body.upper()

    assert Payloads((b"a", b"b", b"a")).converted(upper).bodies == (b"A", b"B", b"A")
    assert seen == [b"a", b"b"]


def test_json_requests_of_a_model():
    payloads = json_payloads(METADATA, seed=1, batch=5)
    assert payloads.headers == {}
    assert len(set(payloads.bodies)) == len(payloads.bodies) == 256
    for body in payloads.bodies[:3]:
        request = json.loads(body)
        shapes = {tensor["name"]: tensor["shape"] for tensor in request["inputs"]}
        assert shapes == {"f": [5, 3], "i": [2, 1], "s": [1]}
        assert [len(tensor["data"]) for tensor in request["inputs"]] == [15, 2, 1]
        assert isinstance(request["inputs"][2]["data"][0], str)


def test_trials_of_a_seed_see_the_same_bodies():
    for make in (json_payloads, binary_payloads):
        assert make(METADATA, seed=1) == make(METADATA, seed=1) != make(METADATA, seed=2)


def test_large_bodies_are_fewer():
    large = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [2**18]}]}
    payloads = binary_payloads(large, seed=0)
    assert len(payloads.bodies) == 3
    assert sum(map(len, payloads.bodies)) <= MAX_TOTAL_BYTES


def test_the_binary_request_of_the_published_example():
    """The example of Triton's binary tensor data extension: two tensors, 16 + 3 bytes."""
    request = {
        "model_name": "mymodel",
        "inputs": [
            {"name": "input0", "shape": [2, 2], "datatype": "UINT32", "data": [[1, 2], [3, 4]]},
            {"name": "input1", "shape": [3], "datatype": "BOOL", "data": [True, False, True]},
        ],
        "parameters": {"priority": 1},
    }
    payloads = binary_from_json(Payloads((json.dumps(request).encode(),)))
    length = int(payloads.headers["Inference-Header-Content-Length"])
    assert payloads.headers["Content-Type"] == "application/octet-stream"
    (body,) = payloads.bodies
    assert json.loads(body[:length]) == {
        "model_name": "mymodel",
        "inputs": [
            {
                "name": "input0",
                "shape": [2, 2],
                "datatype": "UINT32",
                "parameters": {"binary_data_size": 16},
            },
            {
                "name": "input1",
                "shape": [3],
                "datatype": "BOOL",
                "parameters": {"binary_data_size": 3},
            },
        ],
        "parameters": {"priority": 1, "binary_data_output": True},
    }
    assert body[length:] == bytes.fromhex("01000000 02000000 03000000 04000000 01 00 01")


def test_binary_requests_of_a_model():
    payloads = binary_payloads(METADATA, seed=1, batch=4)
    length = int(payloads.headers["Inference-Header-Content-Length"])
    assert len(set(payloads.bodies)) == 256
    for body in payloads.bodies[:3]:
        header = json.loads(body[:length])
        sizes = [tensor["parameters"]["binary_data_size"] for tensor in header["inputs"]]
        assert sizes == [4 * 3 * 4, 2 * 8, 4 + 8]
        assert header["parameters"] == {"binary_data_output": True}
        assert len(body) == length + sum(sizes)
        assert body[-12:-3] == b"\x08\x00\x00\x00text "


def test_bodies_of_many_sizes_share_the_length_of_their_json():
    def request(texts: list[str]) -> bytes:
        tensor = {"name": "x", "shape": [len(texts)], "datatype": "BYTES", "data": texts}
        return json.dumps({"inputs": [tensor]}).encode()

    payloads = binary_from_json(Payloads((request(["a"]), request(["b" * 500] * 10))))
    length = int(payloads.headers["Inference-Header-Content-Length"])
    sizes = [json.loads(body[:length])["inputs"][0]["parameters"] for body in payloads.bodies]
    assert sizes == [{"binary_data_size": 5}, {"binary_data_size": 5040}]
    assert [len(body) - length for body in payloads.bodies] == [5, 5040]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "must be JSON, but: Expecting"),
        (b"\xff", "must be JSON, but: "),
        (b"[1]", r"must have inputs, but got b'\[1\]'"),
        (b'{"inputs": []}', "must have inputs"),
        (b'{"inputs": [1]}', "must have a shape"),
        (b'{"inputs": [{"shape": [1], "datatype": "FP32"}]}', "must be as many FP32 elements"),
        (b'{"inputs": [{"shape": [1], "datatype": "FP32", "data": [1]}], "parameters": 7}',
         "parameters must be an object, but got 7"),
    ],
)  # fmt: skip
def test_json_without_tensors(body: bytes, message: str):
    with pytest.raises(PayloadError, match=message):
        binary_from_json(Payloads((body,)))
