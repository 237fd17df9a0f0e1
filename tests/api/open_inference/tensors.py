"""Requests as Triton's own client writes them, and its reading of answers, without a socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import np_to_triton_dtype

from tests.api.client import Client
from tests.bedside_site import MODEL, Hospital

Arrays = Mapping[str, NDArray[Any]]

LENGTH = "Inference-Header-Content-Length"

COLUMNS: Arrays = {
    "radius": np.array([14.0, 20.5, 8.5]),
    "sex": np.array([b"female", b"male", b""], dtype=np.object_),
    "age": np.array([50.0, 71.0, np.nan]),
}
"""Three rows of the small model, the last one with gaps."""


def inputs_of(arrays: Arrays, *, binary: bool = True) -> list[InferInput]:
    """The client's input tensors of `arrays`."""
    found = []
    for name, values in arrays.items():
        one = InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
        one.set_data_from_numpy(values, binary_data=binary)
        found.append(one)
    return found


def infer(
    client: Client,
    hospital: Hospital,
    arrays: Arrays,
    *,
    model: str = MODEL,
    binary: bool = True,
    outputs: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    """Send `arrays` to a model (`name` or `name/versions/version`) and return the answer."""
    wanted = [InferRequestedOutput(name, binary_data=binary) for name in outputs] or None
    body, length = InferenceServerClient.generate_request_body(
        inputs_of(arrays, binary=binary), outputs=wanted, **options
    )
    sent = {**hospital["clinician"].headers, **(headers or {})}
    if length is not None:
        sent[LENGTH] = str(length)
    return client.post(f"/v2/models/{model}/infer", content=body, headers=sent)


def read(answer: httpx.Response) -> InferResult:
    """What the client makes of an answer, which must be one."""
    assert answer.status_code == 200, answer.text
    length = answer.headers.get(LENGTH)
    return InferenceServerClient.parse_response_body(
        answer.content, header_length=None if length is None else int(length)
    )
