"""The declared domain of a model that reads one 2-D picture: what it may be, and how it must look.

Everything here is a frozen value. `runtime.image_gate` judges a picture by it;
`docs/spec/package.md`, section 4, says exactly how.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.package.fields import Frozen

LIKENESS_SIDE = 16
"""Rows and columns of a thumbnail: coarse enough that nobody can be recognised in a mean of five."""

CROWD = 5
"""Fewest pictures whose mean may be kept in a package."""

MAX_SIDE = 16_384
"""More rows or columns than any detector has; bounds the memory for one picture."""

MAX_PIXELS = 2**26
"""Pixels of a picture on its way to the network: 256 MiB a channel."""

Medium: TypeAlias = Literal["png", "jpeg", "dicom"]
CODE_STRING = re.compile(r"[A-Z0-9][A-Z0-9 _]{0,15}")
CodeString: TypeAlias = Annotated[str, Field(pattern=rf"^{CODE_STRING.pattern}$")]
"""A DICOM code string, such as CR or CHEST. Source: DICOM PS3.5, section 6.2 (CS)."""
Side: TypeAlias = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]


def is_code_string(value: object) -> bool:
    """Return whether `value` is text in the form of a DICOM code string, such as CHEST."""
    return isinstance(value, str) and CODE_STRING.fullmatch(value) is not None


class SideRange(Frozen):
    """Smallest and largest number of pixels along one side, both included."""

    minimum: Side
    maximum: Side

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class Intensity(Frozen):
    """What a picture's grey values must show, whatever their scale.

    Attributes:
        levels: Fewest different grey values; a blank or posterised picture has fewer.
        most_at_one_level: Largest share of all pixels that may have one and the same value.
    """

    levels: Annotated[int, Field(ge=2, le=65_536)] = 32
    most_at_one_level: Share = 0.6


class Likeness(Frozen):
    """How the pictures of the domain look on a coarse grid, and how near a new one must come.

    The nearness is Pearson's correlation between `reference` and the picture's own thumbnail.

    Attributes:
        reference: Mean thumbnail of training pictures, 16 × 16, row by row, mean 0 and
            standard deviation 1.
        pictures: How many pictures the mean was taken of.
        minimum: Smallest correlation of a picture that is of the domain.
        otherwise: What happens to any other: it is refused, or answered with a flag.
        polarity: `declared` believes the header about what is bright. `by-likeness` turns a
            picture over when its negative is of the domain and it is not, and flags the answer.
    """

    version: Literal[1] = 1
    reference: Annotated[
        tuple[float, ...], Field(min_length=LIKENESS_SIDE**2, max_length=LIKENESS_SIDE**2)
    ]
    pictures: Annotated[int, Field(ge=CROWD)]
    minimum: Annotated[float, Field(gt=0, lt=1)]
    otherwise: Literal["refuse", "flag"] = "refuse"
    polarity: Literal["declared", "by-likeness"] = "declared"

    @model_validator(mode="after")
    def _reference_is_standardised(self) -> Self:
        mean = sum(self.reference) / len(self.reference)
        variance = sum((value - mean) ** 2 for value in self.reference) / len(self.reference)
        if abs(mean) > 1e-6 or abs(variance - 1) > 1e-6:
            raise ValueError(
                f"likeness: the reference has mean {mean:.3g} and variance {variance:.6g}; "
                "they must be 0 and 1"
            )
        return self


class ImageDomain(Frozen):
    """What an author says of the pictures: everything but how they look.

    Attributes:
        media: Kinds of file that are read.
        modalities: DICOM modalities that are of the domain, such as CR and DX.
        body_parts: Values of Body Part Examined that are of the domain; empty accepts any.
        views: View positions that are of the domain, such as PA; empty accepts any.
        unstated: What happens when neither the header nor the sender says one of these.
        pixels: Grey, or colour (red, green, blue).
        rows: How many rows a picture may have.
        columns: How many columns a picture may have.
        most_elongated: Largest ratio of the longer side to the shorter one.
    """

    media: Annotated[tuple[Medium, ...], Field(min_length=1)]
    modalities: Annotated[tuple[CodeString, ...], Field(min_length=1, max_length=64)]
    body_parts: Annotated[tuple[CodeString, ...], Field(max_length=64)] = ()
    views: Annotated[tuple[CodeString, ...], Field(max_length=64)] = ()
    unstated: Literal["refuse", "flag", "allow"] = "refuse"
    pixels: Literal["grey", "colour"] = "grey"
    rows: SideRange
    columns: SideRange
    most_elongated: Annotated[float, Field(ge=1, le=100)] = 2.0
    intensity: Intensity = Intensity()

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        for name in ("media", "modalities", "body_parts", "views"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names one value twice: {list(values)}")
        return self


class ImageInput(ImageDomain):
    """One picture: a PNG or JPEG file, or a DICOM object of a single frame."""

    kind: Literal["image"] = "image"
    likeness: Likeness | None = None

    @model_validator(mode="after")
    def _has_a_polarity_to_find(self) -> Self:
        if self.pixels == "colour" and self.likeness and self.likeness.polarity != "declared":
            raise ValueError("likeness: a colour picture has no polarity to find")
        return self
