from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from bedside.freezing.strangers.safetensors_header import check_tensors
from bedside.freezing.strangers.stream import Lost


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int8", "uint16", "bool"])
def test_what_its_own_writer_writes_is_accepted(kind: str) -> None:
    writer: Any = pytest.importorskip("safetensors.numpy", reason="safetensors missing")
    tensors = {"a": np.ones((2, 3), kind), "b": np.zeros((0, 4), kind), "c": np.ones((), kind)}
    data = writer.save(tensors, {"by": "a test"})
    check_tensors(io.BytesIO(data), len(data))
    for size in range(8, len(data)):
        with pytest.raises(Lost):
            check_tensors(io.BytesIO(data[:size]), size)
