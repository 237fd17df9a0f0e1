from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bedside.errors import PackageDamaged
from bedside.runtime import onnx_tensors
from bedside.runtime.onnx_tensors import MAX_RANK
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.wire import BYTES, Part, Wire
from tests.package.building import model_of

NEWEST_KNOWN = 26
"""INT2 of ONNX 1.20; later element types are refused as unknown."""


def read(tensor: TensorProto) -> None:
    node = helper.make_node("Identity", ["x"], ["probabilities"])
    read_opset(model_of([node], [tensor], (2, 2)).SerializeToString())


def refusal(**parts: Any) -> str:
    with pytest.raises(PackageDamaged) as caught:
        read(TensorProto(name="w", **parts))
    return str(caught.value)


def test_the_field_numbers_and_the_element_types_are_those_of_onnx() -> None:
    fields = TensorProto.DESCRIPTOR.fields_by_name
    names: tuple[str, ...] = (
        "dims",
        "data_type",
        "segment",
        "float_data",
        "int32_data",
        "string_data",
    )
    names += ("int64_data", "name", "raw_data", "double_data", "uint64_data")
    assert [fields[name].number for name in names] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [fields[name].number for name in ("external_data", "data_location")] == [13, 14]
    known = {value for value in TensorProto.DataType.values() if value <= NEWEST_KNOWN}
    assert set(onnx_tensors._BITS) == known - {TensorProto.UNDEFINED, TensorProto.STRING}


@pytest.mark.parametrize("kind", sorted(onnx_tensors._BITS))
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (3, 5), (2, 2)])
def test_every_element_type_that_onnx_writes_is_read(
    kind: int, raw: bool, shape: tuple[int, ...]
) -> None:
    values = np.ones(shape)
    element = helper.tensor_dtype_to_np_dtype(kind)
    if raw:
        read(numpy_helper.from_array(values.astype(element), "w"))
    elif kind not in {TensorProto.FLOAT8E8M0}:
        read(helper.make_tensor("w", kind, shape, values.flatten().tolist()))


def test_texts_are_counted_and_no_package_holds_any() -> None:
    texts = {"dims": [2], "data_type": TensorProto.STRING, "string_data": [b"a", b"b"]}
    assert "The tensor 'w' holds texts" in refusal(**texts)
    assert "needs 3 numbers or texts; 2 are given" in refusal(
        dims=[3], data_type=TensorProto.STRING, string_data=[b"a", b"b"]
    )


def test_a_shape_that_promises_more_than_is_there_is_refused() -> None:
    assert refusal(dims=[10**6, 10**6], data_type=TensorProto.FLOAT, raw_data=b"1234") == (
        "The tensor 'w' has the shape 1000000 × 1000000, which needs 4000000000000 bytes; 4 are "
        "given. The file is damaged, or made to take memory; get it again from its author."
    )


@pytest.mark.parametrize(
    ("parts", "fragment"),
    [
        ({"dims": [2], "data_type": 1}, "needs 2 numbers or texts; 0 are given"),
        ({"dims": [2], "data_type": 1, "float_data": [1.0]}, "needs 2 numbers"),
        ({"dims": [], "data_type": 1, "raw_data": b""}, "a single number, which needs 4 bytes"),
        ({"dims": [-1], "data_type": 1}, "has an axis of -1"),
        ({"dims": [1] * (MAX_RANK + 1), "data_type": 1}, f"more than {MAX_RANK} axes"),
        ({"dims": [1], "data_type": 99, "raw_data": b"1"}, "the unknown type 99"),
        ({"dims": [1], "data_type": 0, "raw_data": b"1"}, "the unknown type 0"),
        (
            {"dims": [1], "data_type": 1, "raw_data": b"1234", "float_data": [1.0]},
            "gives its data twice",
        ),
        ({"dims": [1], "data_type": 1, "int64_data": [1]}, "gives elements of type 1 in field 7"),
        ({"dims": [1], "data_type": 8, "raw_data": b"1"}, "no bytes in field 9"),
    ],
)
def test_data_that_do_not_fit_are_refused(parts: dict[str, Any], fragment: str) -> None:
    assert fragment in refusal(**parts)


def test_a_tensor_in_segments_is_refused() -> None:
    tensor = TensorProto(name="w", dims=[1], data_type=1, raw_data=b"1234")
    tensor.segment.begin = 0
    with pytest.raises(PackageDamaged, match="in segments"):
        read(tensor)


@given(
    st.lists(st.integers(0, 4), max_size=4),
    st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.int8, np.bool_, np.float16]),
)
def test_whatever_numpy_writes_is_read(shape: list[int], element: Any) -> None:
    read(numpy_helper.from_array(np.zeros(shape, element), "w"))


@given(st.lists(st.integers(-(2**70), 2**70), max_size=4), st.integers(0, 30), st.binary())
def test_any_shape_type_and_bytes_are_read_or_refused(
    dims: list[int], kind: int, raw: bytes
) -> None:
    dims = [max(-(2**63), min(one, 2**63 - 1)) for one in dims]
    try:
        read(TensorProto(name="w", dims=dims, data_type=kind, raw_data=raw))
    except PackageDamaged:
        return
    bits = onnx_tensors._BITS[kind]
    count = int(np.prod(dims, dtype=object))
    assert len(raw) == -(-count * bits // 8)


def test_small_numbers_are_what_numpy_reads() -> None:
    for array in (np.array([1, -2, 3]), np.array([1.5, -2.0], np.float32), np.array(7, np.int32)):
        for tensor in (
            numpy_helper.from_array(array),
            helper.make_tensor(
                "w", helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.flatten()
            ),
        ):
            data = tensor.SerializeToString()
            wire = Wire(data, 1000)
            found = onnx_tensors.read_tensor(wire, Part(1, BYTES, 0, 0, len(data)))
            assert onnx_tensors.small_numbers(wire, found) == tuple(array.flatten())
