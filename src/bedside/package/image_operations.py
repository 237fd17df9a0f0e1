"""Declared preprocessing of a picture: a short, closed list of operations with numbers, no code.

A picture's pixels become values from 0 (dark) to 1 (bright) by the first operation; the others
turn those into the network's input, channels × rows × columns. `runtime.image_preprocess`
carries them out; `docs/spec/package.md`, section 5, defines each one exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.errors import PackageDamaged
from bedside.package.fields import Frozen

Filter: TypeAlias = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
NetworkSide: TypeAlias = Annotated[int, Field(ge=1, le=4096)]
Unit: TypeAlias = Annotated[float, Field(ge=0, le=1)]
MAX_IMAGE_OPERATIONS = 16


class FullRange(Frozen):
    """All that the picture's bits can say: the lowest possible value is 0, the highest 1."""

    op: Literal["full_range"] = "full_range"
    version: Literal[1] = 1


class HeaderWindow(Frozen):
    """The first window of the DICOM header; the full range, flagged, where there is none."""

    op: Literal["header_window"] = "header_window"
    version: Literal[1] = 1


class FixedWindow(Frozen):
    """A stated window, in the picture's own values. Source: DICOM PS3.3, section C.11.2.1.2."""

    op: Literal["fixed_window"] = "fixed_window"
    version: Literal[1] = 1
    centre: float
    width: Annotated[float, Field(ge=1)]


class PercentileWindow(Frozen):
    """From one percentile of the picture's values to another; what lies beyond is clipped."""

    op: Literal["percentile_window"] = "percentile_window"
    version: Literal[1] = 1
    low: Annotated[float, Field(ge=0, le=100)]
    high: Annotated[float, Field(ge=0, le=100)]

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"the percentile {self.low} is not below {self.high}")
        return self


class Greyscale(Frozen):
    """Red, green and blue to one channel: 0.299 R + 0.587 G + 0.114 B. Source: ITU-R BT.601."""

    op: Literal["greyscale"] = "greyscale"
    version: Literal[1] = 1


class CropSquare(Frozen):
    """The square in the middle, as large as the shorter side."""

    op: Literal["crop_square"] = "crop_square"
    version: Literal[1] = 1


class PadSquare(Frozen):
    """A square as large as the longer side, the picture in its middle, `value` around it."""

    op: Literal["pad_square"] = "pad_square"
    version: Literal[1] = 1
    value: Unit = 0.0


class Resize(Frozen):
    """To exactly so many rows and columns, with a named filter."""

    op: Literal["resize"] = "resize"
    version: Literal[1] = 1
    rows: NetworkSide
    columns: NetworkSide
    filter: Filter


class ResizeShorter(Frozen):
    """The shorter side to `side` pixels, the longer in proportion (rounded down), named filter."""

    op: Literal["resize_shorter"] = "resize_shorter"
    version: Literal[1] = 1
    side: NetworkSide
    filter: Filter


class CropCentre(Frozen):
    """So many rows and columns from the middle; a smaller picture is padded with 0 first."""

    op: Literal["crop_centre"] = "crop_centre"
    version: Literal[1] = 1
    rows: NetworkSide
    columns: NetworkSide


class RepeatChannel(Frozen):
    """The one channel three times, for a network that was made for colour."""

    op: Literal["repeat_channel"] = "repeat_channel"
    version: Literal[1] = 1


class Normalise(Frozen):
    """`(x - mean) / deviation`, channel by channel."""

    op: Literal["normalise"] = "normalise"
    version: Literal[1] = 1
    mean: Annotated[tuple[float, ...], Field(min_length=1, max_length=3)]
    deviation: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1, max_length=3)
    ]


ImageOperation: TypeAlias = (
    FullRange
    | HeaderWindow
    | FixedWindow
    | PercentileWindow
    | Greyscale
    | CropSquare
    | PadSquare
    | Resize
    | ResizeShorter
    | CropCentre
    | RepeatChannel
    | Normalise
)

Windowing: TypeAlias = FullRange | HeaderWindow | FixedWindow | PercentileWindow


class ImageShape(NamedTuple):
    """Channels, rows and columns; None where a side depends on the picture."""

    channels: int
    rows: int | None
    columns: int | None


def told_shape(shape: tuple[int, int | None, int | None]) -> str:
    """Return channels, rows and columns in words; a side that depends on the picture as ?."""
    channels, rows, columns = shape
    return f"{channels} × {rows or '?'} × {columns or '?'} (channels × rows × columns)"


class _Misfit(Exception):
    """What does not fit, as the end of a sentence that begins with the operation."""


def image_shape(
    pixels: Literal["grey", "colour"], operations: Sequence[ImageOperation]
) -> ImageShape:
    """Return the shape of what the operations make of any picture.

    Raises:
        PackageDamaged: no operation or too many, the first one is no window, a window stands
            later, or an operation does not fit what it gets; the message names it.
    """
    if not 1 <= len(operations) <= MAX_IMAGE_OPERATIONS:
        raise PackageDamaged(
            f"The preprocessing has {len(operations)} operations; from 1 to {MAX_IMAGE_OPERATIONS}."
        )
    shape = ImageShape(1 if pixels == "grey" else 3, None, None)
    for position, operation in enumerate(operations):
        try:
            shape = _shaped(operation, shape, first=position == 0)
        except _Misfit as problem:
            raise PackageDamaged(
                f"The operation {operation.op!r} at place {position} {problem}."
            ) from problem
    return shape


def _shaped(operation: ImageOperation, shape: ImageShape, *, first: bool) -> ImageShape:
    if isinstance(operation, Windowing) is not first:
        word = "must be one that makes values from 0 to 1 (full_range, header_window, …)"
        raise _Misfit(word if first else "makes values from 0 to 1, which only the first one may")
    match operation:
        case HeaderWindow() | FixedWindow() | PercentileWindow() if shape.channels == 3:
            raise _Misfit("windows grey values, and these pictures have colour; use full_range")
        case Greyscale():
            return _channels(shape, 3, 1)
        case RepeatChannel():
            return _channels(shape, 1, 3)
        case CropSquare() | PadSquare():
            return _square(shape, longer=isinstance(operation, PadSquare))
        case Resize() | CropCentre():
            return ImageShape(shape.channels, operation.rows, operation.columns)
        case ResizeShorter():
            same = shape.rows is not None and shape.rows == shape.columns
            side = operation.side if same else None
            return ImageShape(shape.channels, side, side)
        case Normalise():
            _demand_lengths(operation, shape.channels)
    return shape


def _demand_lengths(operation: Normalise, channels: int) -> None:
    for name in ("mean", "deviation"):
        found = len(getattr(operation, name))
        if found != channels:
            raise _Misfit(f"has {found} `{name}` for {channels} channel(s)")


def _channels(shape: ImageShape, wanted: int, given: int) -> ImageShape:
    if shape.channels != wanted:
        raise _Misfit(f"takes {wanted} channel(s), and gets {shape.channels}")
    return shape._replace(channels=given)


def _square(shape: ImageShape, *, longer: bool) -> ImageShape:
    if shape.rows is None or shape.columns is None:
        return shape
    side = (max if longer else min)(shape.rows, shape.columns)
    return ImageShape(shape.channels, side, side)
