"""Tensors against bytes written down by hand from the published layout."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_generator.errors import PayloadError
from load_generator.tensors import DATATYPES, random_tensors, tensor_from_json


def binary(datatype: str, data: list[Any], shape: list[int] | None = None) -> bytes:
    document = {"name": "x", "datatype": datatype, "shape": shape or [len(data)], "data": data}
    return tensor_from_json(document).binary_data()


def declared(datatype: object = "FP32", shape: Sequence[object] = (2,)) -> dict[str, object]:
    return {"name": "x", "datatype": datatype, "shape": list(shape)}


@pytest.mark.parametrize(
    ("datatype", "data", "expected"),
    [
        ("BOOL", [True, False, True], "01 00 01"),
        ("INT8", [-1, 127], "ff 7f"),
        ("INT16", [-2, 258], "feff 0201"),
        ("INT32", [1, -1], "01000000 ffffffff"),
        ("INT64", [1, -2], "0100000000000000 feffffffffffffff"),
        ("UINT8", [0, 255], "00 ff"),
        ("UINT16", [65535, 1], "ffff 0100"),
        ("UINT32", [4294967295, 16], "ffffffff 10000000"),
        ("UINT64", [18446744073709551615, 1], "ffffffffffffffff 0100000000000000"),
        # Sign, exponent, fraction: 1.0 = 0x3C00, -2.0 = 0xC000, and the largest, 65504 = 0x7BFF.
        ("FP16", [1.0, -2.0, 65504], "003c 00c0 ff7b"),
        ("FP32", [1.0, -2.5], "0000803f 000020c0"),
        ("FP64", [1.0], "000000000000f03f"),
        # The upper half of FP32: 1.0 = 0x3F80, -2.5 = 0xC020.
        ("BF16", [1.0, -2.5], "803f 20c0"),
        ("BYTES", ["ab", "", "é"], "02000000 6162 00000000 02000000 c3a9"),
    ],
)
def test_binary_layout(datatype: str, data: list[Any], expected: str):
    assert binary(datatype, data) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("fp32_bits", "bf16_bits"),
    [
        (0x3F807FFF, 0x3F80),  # below the middle: down
        (0x3F808001, 0x3F81),  # above it: up
        (0x3F808000, 0x3F80),  # in the middle: to the even one
        (0x3F818000, 0x3F82),
        (0xBF808001, 0xBF81),
        (0x00000000, 0x0000),
        (0x80000000, 0x8000),
    ],
)
def test_bf16_is_rounded_to_nearest_even(fp32_bits: int, bf16_bits: int):
    value = float(np.array([fp32_bits], dtype="<u4").view("<f4")[0])
    assert binary("BF16", [value]) == bf16_bits.to_bytes(2, "little")


def test_binary_data_are_row_major():
    assert binary("UINT8", [[1, 2, 3], [4, 5, 6]], [2, 3]) == bytes([1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("datatype", DATATYPES)
def test_json_and_binary_say_the_same(datatype: str):
    inputs = [{"name": "x", "datatype": datatype, "shape": [-1, 7, -1]}]
    (tensor,) = random_tensors(inputs, 3, np.random.default_rng(0))
    assert tensor.shape == (3, 7, 1)
    data = tensor.json_data()
    assert len(data) == 21
    assert binary(datatype, data, [3, 7, 1]) == tensor.binary_data()


def test_random_elements_by_datatype():
    inputs = [declared(datatype, [1000]) for datatype in ("FP32", "INT8", "BOOL", "BYTES")]
    floats, integers, booleans, texts = random_tensors(inputs, 1, np.random.default_rng(0))
    assert all(0 <= value <= 1 for value in floats.json_data())
    assert {type(value) for value in integers.json_data()} == {int}
    assert set(integers.json_data()) == set(range(128))
    assert set(booleans.json_data()) == {True, False}
    # Equal lengths, so that every request of a set has the same size.
    assert {len(text) for text in texts.json_data()} == {8}


def test_seeds_decide():
    inputs = [declared("FP64", [4])]

    def elements(seed: int) -> list[float]:
        return random_tensors(inputs, 1, np.random.default_rng(seed))[0].json_data()

    assert elements(1) == elements(1) != elements(2)


def test_a_scalar_gets_one_element_and_protobuf_writes_sizes_as_text():
    scalar, texts = random_tensors(
        [declared(shape=[]), declared(shape=["-1", "2"])], 1, np.random.default_rng(0)
    )
    assert scalar.shape == (1,)
    assert texts.shape == (1, 2)


@pytest.mark.parametrize(
    ("inputs", "batch", "message"),
    [
        (None, 1, r"must declare inputs when no payload is given, but got None\."),
        ([], 1, r"must declare inputs .* but got \[\]\."),
        (["x"], 1, r"must have a shape, .* but got 'x'\."),
        ([{"datatype": "FP32"}], 1, "must have a shape"),
        ([declared(shape=["a"])], 1, "must have a shape"),
        ([declared(shape=[0])], 1, "must have a shape"),
        ([declared(shape=[float("inf")])], 1, "must have a shape"),
        ([declared(shape=[9999, -1, 9999])], 1, r"at most 16777216 elements, .* \(9999, 1, 9999\)"),
        ([declared(shape=[-1])], 10**9, r"at most 16777216 elements, .* \(1000000000,\)"),
        ([declared("FP128")], 1, r"must be one of BOOL, INT8, .*, but got 'FP128'\."),
        ([declared(shape=[4])], 8, r"first dimension is free, but .* \[\(4,\)\] for a batch of 8"),
    ],
)
def test_models_that_no_request_can_be_made_for(inputs: object, batch: int, message: str):
    with pytest.raises(PayloadError, match=message):
        random_tensors(inputs, batch, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("INT8", [128]),
        ("INT64", [2**63]),
        ("FP64", [10**400]),
        ("FP32", [1e39]),
        ("UINT8", [-1]),
        ("INT32", [1.5]),
        ("INT32", ["1"]),
        ("INT32", None),
        ("INT32", [1, 2]),
        ("INT32", []),
        ("INT32", [[1], [2, 3]]),
        ("BOOL", [1]),
        ("FP16", [70000.0]),
        ("FP32", [True]),
        ("BYTES", [1]),
        ("BYTES", ["\ud800"]),
        ("BYTES", None),
    ],
)
def test_data_that_do_not_fit(datatype: str, data: object):
    with pytest.raises(PayloadError, match=rf"input 'x' must be as many {datatype} elements as"):
        tensor_from_json({"name": "x", "datatype": datatype, "shape": [1], "data": data})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
INPUT = JSON | st.fixed_dictionaries(
    {},
    optional={
        "name": JSON,
        "datatype": st.sampled_from(DATATYPES) | JSON,
        "shape": st.lists(st.integers(-3, 9) | JSON, max_size=4) | JSON,
        "data": JSON,
    },
)


@settings(deadline=None)
@given(inputs=st.lists(INPUT, max_size=3) | JSON, batch=st.integers(1, 3))
def test_any_metadata_give_tensors_or_a_refusal(inputs: object, batch: int):
    with contextlib.suppress(PayloadError):
        for tensor in random_tensors(inputs, batch, np.random.default_rng(0)):
            assert len(tensor.json_data()) == np.prod(tensor.shape)
            assert tensor.binary_data()


@settings(deadline=None)
@given(document=INPUT)
def test_any_json_gives_a_tensor_or_a_refusal(document: object):
    with contextlib.suppress(PayloadError):
        tensor = tensor_from_json(document)
        assert len(tensor.json_data()) == np.prod(tensor.shape)
        assert tensor.binary_data()
