"""What a manifest says of a network that stands in the archive: its entry, what goes in and out."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from bedside.package.fields import Frozen
from bedside.package.image_operations import NetworkSide

Digest: TypeAlias = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
EntryName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,60}\.[a-z0-9]{1,10}$")]
Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=2_000)]


class Network(Frozen):
    """Which entry holds the network, in which operator set, what goes in and what comes out."""

    entry: EntryName
    format: Literal["onnx"] = "onnx"
    opset: Annotated[dict[str, int], Field(min_length=1)]
    """Version of each operator domain, the default domain written `ai.onnx`."""
    input: Line
    element: Literal["float32", "float64"]
    output: Line
    """The tensor with probabilities (inputs × classes) or values (inputs × 1)."""


class Model(Network):
    """A network that takes a matrix, rows × `width`."""

    width: Annotated[int, Field(ge=1)]
    """Number of columns of the input matrix."""


class ImageModel(Network):
    """A network that takes pictures, pictures × channels × rows × columns."""

    shape: tuple[Literal[1, 3], NetworkSide, NetworkSide]
    """Channels, rows and columns of one picture."""


RowModel: TypeAlias = Model | ImageModel
"""A network that answers rows; those of volumes are in `volume_models`."""
