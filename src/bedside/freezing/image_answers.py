"""What a spec says of the pictures that a model reads; how they look is measured while freezing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bedside.package.fields import Frozen
from bedside.package.images import CROWD, LIKENESS_SIDE, ImageDomain, ImageInput, Likeness


class LikenessAnswers(Frozen):
    """How near a picture must come to the mean of the author's pictures.

    Attributes:
        minimum: Smallest correlation of a picture that is of the domain.
        otherwise: What happens to any other: it is refused, or answered with a flag.
        polarity: `declared` believes the header about what is bright; `by-likeness` turns a
            picture over when only its negative is of the domain.
        reference: The mean thumbnail, 16 × 16; taken from the data where it is not stated.
        pictures: How many pictures `reference` is the mean of.
    """

    minimum: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="the smallest correlation with the mean picture that is of the domain, like 0.5"
    )
    otherwise: Literal["refuse", "flag"] = "refuse"
    polarity: Literal["declared", "by-likeness"] = "declared"
    reference: Annotated[
        tuple[float, ...] | None, Field(min_length=LIKENESS_SIDE**2, max_length=LIKENESS_SIDE**2)
    ] = None
    pictures: Annotated[int | None, Field(ge=CROWD)] = None

    @model_validator(mode="after")
    def _has_a_whole_reference(self) -> Self:
        if (self.reference is None) is not (self.pictures is None):
            raise ValueError(
                "image.likeness: state `reference` and `pictures` together, or neither"
            )
        return self

    def declared(self, reference: tuple[float, ...], pictures: int) -> Likeness:
        """Return what the manifest says, `reference` being the mean thumbnail of `pictures`."""
        return Likeness(
            reference=reference,
            pictures=pictures,
            minimum=self.minimum,
            otherwise=self.otherwise,
            polarity=self.polarity,
        )


class ImageAnswers(ImageDomain):
    """The `[image]` of a spec: the declared domain of the pictures."""

    likeness: LikenessAnswers | None = None

    def declared(self, likeness: Likeness | None) -> ImageInput:
        """Return the domain as the manifest says it."""
        named = {name: getattr(self, name) for name in ImageDomain.model_fields}
        return ImageInput(**named, likeness=likeness)
