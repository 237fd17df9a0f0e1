"""Tensors of a model of pictures → its raw rows, which then go through the gate like any others.

`image` takes files; `pixels` takes bare pixels where the package takes PNG files, because they are the
same: values of 8 or 16 bits, black 0, the larger the brighter, and nothing said beside them. They are
written into a PNG file in memory, so that one gate judges, and one digest names, every picture.
What a network would get after preprocessing is no picture, and no tensor of floats is taken for one.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.api.open_inference.framing import InferRequest
from bedside.api.open_inference.tensors import BYTES, Tensor
from bedside.canonical import Json
from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.bare import bare_png
from bedside.package.images import ImageInput
from bedside.runtime.at_once import PICTURES_AT_ONCE

IMAGE: Final = "image"
PIXELS: Final = "pixels"
STATED: Final = ("modality", "body_part", "view")
"""What may be stated beside each picture; a DICOM header goes before it."""

FEWEST_BITS: Final = 14
"""A 16-bit picture that uses no more has the values of a detector of fewer bits, unscaled."""

CONTENT_TYPE: Final = "content_type"
"""A parameter of `image` in JSON: `base64`, because JSON cannot say a file's bytes."""


def takes_pixels(declared: ImageInput) -> bool:
    """Return whether bare pixels may be sent: where PNG files may, which say no more."""
    return "png" in declared.media


def pictures_of(request: InferRequest, declared: ImageInput) -> list[dict[str, Json]]:
    """Return the rows that the inputs of a request say, each with its file as base64.

    Raises:
        UsageError: an input that the model has not, or inputs that do not agree.
        LimitExceeded: too many pictures.
    """
    inputs = {one.name: one for one in request.inputs}
    known = (IMAGE, *((PIXELS,) if takes_pixels(declared) else ()), *STATED)
    if unknown := sorted(inputs.keys() - set(known)):
        raise UsageError(
            f"The model has no input {unknown[0][:60]!r}.", advice=f"It takes {', '.join(known)}."
        )
    if (IMAGE in inputs) == (PIXELS in inputs):
        raise UsageError(
            "The request has " + ("both files and pixels." if IMAGE in inputs else "no picture."),
            advice=f"Send either {IMAGE!r}, a file, or {PIXELS!r}, where the model takes them.",
        )
    if IMAGE in inputs:
        files = _files(inputs[IMAGE])
    else:
        files = [_text(bare_png(one)) for one in _pixels(inputs[PIXELS], declared)]
    stated = {name: _stated(inputs[name], len(files)) for name in STATED if name in inputs}
    return [
        {name: said[place] for name, said in stated.items() if said[place]} | {IMAGE: one}
        for place, one in enumerate(files)
    ]


def _files(tensor: Tensor) -> list[str]:
    if tensor.datatype != BYTES or tensor.shape[1:] not in ((), (1,)):
        raise UsageError(
            f"The input {IMAGE!r} is {tensor.datatype} {list(tensor.shape)}.",
            advice=f"Send BYTES [n], each the bytes of a file; bare pixels go into {PIXELS!r}.",
        )
    _check_number(tensor.shape[0])
    if tensor.parameters.get(CONTENT_TYPE) == "base64":
        return tensor.texts()
    if not all(isinstance(one, bytes) for one in tensor.values):
        raise UsageError(
            "The files came as text in JSON, which cannot say their bytes.",
            advice="Send them as binary data, or as base64 with the parameter "
            f"{CONTENT_TYPE!r}: 'base64'.",
        )
    return [_text(one) for one in tensor.values]


def _pixels(tensor: Tensor, declared: ImageInput) -> Sequence[NDArray[Any]]:
    """Return the pixels of each picture: rows × columns, or rows × columns × 3."""
    axes, colour = len(tensor.shape), declared.pixels == "colour"
    form = "rows, columns, 3" if colour else "rows, columns"
    allowed = ("UINT8",) if colour else ("UINT8", "UINT16")
    if tensor.datatype not in allowed:
        raise UsageError(
            f"The input {PIXELS!r} is {tensor.datatype}.",
            advice=f"Send {' or '.join(allowed)}: the picture's own values, black 0. What is "
            "already prepared for a network is not taken here; the package prepares it.",
        )
    alone = 2 + colour
    if axes not in (alone, alone + 1) or (colour and tensor.shape[-1] != 3):
        raise UsageError(
            f"The input {PIXELS!r} has the shape {list(tensor.shape)}.",
            advice=f"Send [n, {form}], or one picture as [{form}].",
        )
    values = tensor.array()
    if axes == alone:
        values = values[np.newaxis]
    _check_number(len(values))
    if tensor.datatype == "UINT16":
        _check_bits(values)
    return list(values)


def _check_bits(values: NDArray[Any]) -> None:
    """Refuse values of 12 or 14 bits that were put into 16 as they are: they would look black."""
    for place, one in enumerate(values):
        brightest = int(one.max())
        if brightest < 1 << FEWEST_BITS:
            raise UsageError(
                f"Picture {place} of UINT16 has no value above {brightest}: it looks like one of "
                f"{max(brightest.bit_length(), 1)} bits that was not scaled to 16.",
                advice="White is 65535: scale the values, or send the DICOM file, which says its "
                "bits, its window and its polarity itself.",
            )


def _check_number(pictures: int) -> None:
    if pictures > PICTURES_AT_ONCE:
        raise LimitExceeded(
            f"{pictures} pictures at once; at most {PICTURES_AT_ONCE}.",
            advice="Send them in several requests.",
        )


def _stated(tensor: Tensor, pictures: int) -> list[str]:
    if tensor.shape not in ((pictures,), (pictures, 1)):
        raise UsageError(
            f"The input {tensor.name!r} has the shape {list(tensor.shape)}, and there are "
            f"{pictures} picture(s).",
            advice="Send [n], one text for each picture, '' where nothing is stated.",
        )
    return tensor.texts()


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")
