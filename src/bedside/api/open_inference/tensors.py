"""A tensor of the protocol, and what its values are in Python; binary ones are read without a loop.

Source: Open Inference Protocol v2, "Tensor Data Types"; Triton's binary tensor data extension.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import UsageError

BYTES: Final = "BYTES"

NUMBERS: Final[Mapping[str, np.dtype[Any]]] = MappingProxyType(
    {
        "BOOL": np.dtype("<u1"),
        "UINT8": np.dtype("<u1"),
        "UINT16": np.dtype("<u2"),
        "UINT32": np.dtype("<u4"),
        "UINT64": np.dtype("<u8"),
        "INT8": np.dtype("<i1"),
        "INT16": np.dtype("<i2"),
        "INT32": np.dtype("<i4"),
        "INT64": np.dtype("<i8"),
        "FP16": np.dtype("<f2"),
        "FP32": np.dtype("<f4"),
        "FP64": np.dtype("<f8"),
    }
)
"""Data types of one size, little-endian. A BOOL is one byte, 0 or 1."""

DATATYPES: Final = (*NUMBERS, BYTES)

Values: TypeAlias = NDArray[Any] | list[Any]
"""One axis: an array where a number came as binary, else a list of numbers, texts or bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One input, checked: it holds as many values as its shape says, all of its data type.

    Attributes:
        name: Of the input.
        datatype: One of `DATATYPES`.
        shape: At least one axis; the values are row-major.
        values: All of them, on one axis. Of BYTES: `bytes` where they came as binary, else `str`.
        parameters: What was said beside it.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Values
    parameters: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_float(self) -> bool:
        """Whether it may say NaN, which is how a missing number is said."""
        return self.datatype.startswith("FP")

    def listed(self) -> list[Json]:
        """Return every value as JSON knows it: numbers, 0 and 1 for BOOL, text; None where missing.

        NaN is a missing number, and an empty text a missing text.

        Raises:
            UsageError: BYTES that are not UTF-8.
        """
        if self.datatype == BYTES:
            return [text or None for text in self.texts()]
        return _listed(self.values) if isinstance(self.values, np.ndarray) else self.values

    def texts(self) -> list[str]:
        """Return BYTES as text.

        Raises:
            UsageError: they are not UTF-8, or this holds numbers.
        """
        if self.datatype != BYTES:
            raise UsageError(
                f"The input {self.name[:60]!r} is {self.datatype}.", advice="Send BYTES."
            )
        try:
            return [one.decode() if isinstance(one, bytes) else one for one in self.values]
        except UnicodeDecodeError as problem:
            raise UsageError(
                f"The input {self.name[:60]!r} holds bytes that are not UTF-8.",
                advice="Send text in UTF-8.",
            ) from problem

    def array(self) -> NDArray[Any]:
        """Return its numbers in their shape.

        Raises:
            UsageError: BYTES, or a number is missing.
        """
        if self.datatype == BYTES:
            raise UsageError(f"The input {self.name[:60]!r} is BYTES.", advice="Send numbers.")
        values = self.values
        if not isinstance(values, np.ndarray):
            if None in values:
                raise UsageError(f"The input {self.name[:60]!r} lacks a value.")
            values = np.array(values, dtype=NUMBERS[self.datatype])
        return values.reshape(self.shape)


def _listed(values: NDArray[Any]) -> list[Json]:
    listed: list[Json] = values.tolist()
    if values.dtype.kind == "f" and math.isnan(sum(listed)):  # of one NaN, or of two infinities
        for place in np.flatnonzero(np.isnan(values)):
            listed[place] = None
    return listed
