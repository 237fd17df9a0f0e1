"""A function of ANTsPyNet in the place of a network, and the weights that it opens.

A tree of frozen values; `runtime.engines.antspynet` runs what they name.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.package.fields import Frozen, absent
from bedside.package.networks import Digest, Line

MOST_WEIGHTS: Final = 32
"""Files of weights of one function."""

MOST_WEIGHT_BYTES: Final = 2**33

AntspynetFunction: TypeAlias = Literal[
    "brain_extraction",
    "deep_atropos",
    "sysu_media_wmh_segmentation",
    "shiva_wmh_segmentation",
    "lesion_segmentation",
    "brain_age",
    "chexnet",
]
"""What takes one volume and gives probabilities, or a number; `chexnet` takes one film."""

FILM_FUNCTIONS: Final = frozenset({"chexnet"})
"""What takes a film and gives a probability of each finding."""

FINDING: Final = r"^[A-Z][A-Za-z_]{0,59}$"

FileName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]


class Weights(Frozen):
    """One file of weights that a library needs, and where it comes from."""

    size: Annotated[int, Field(ge=1)]
    digest: Digest
    origin: Line


class Steadied(Frozen):
    """Ways round two habits of the library, each of which leaves an ordinary head as it is.

    Attributes:
        outliers: A few far too bright (or dark) voxels are cut before the library scales by
            minimum and maximum.
        upright: A head that is tilted by more than 12 degrees is set upright, by its header, before
            the library aligns it by centres of mass alone. Needs `S_template3.nii.gz`.
    """

    version: Literal[1] = 1
    outliers: bool = True
    upright: bool = True


class AntspynetModel(Frozen):
    """A function of ANTsPyNet in the place of a network; its weights lie beside the site.

    Of several findings of one film a package answers one, with a threshold and a label of its own.

    Attributes:
        function: Name of the function.
        parameters: Its keyword arguments beside the volume; `runtime.engines.antspynet.functions`
            says what it takes.
        library: Accepted versions of ANTsPyNet, as a version specifier (PEP 440).
        weights: The files that it opens, by name, templates too.
        steadied: What is done to a volume before the library sees it.
        seed: Where its random numbers begin, at every answer anew.
        memory: Most bytes that its process may take; None for 6 GiB.
        finding: Which of the findings of a film is the answer; None for volumes.
    """

    engine: Literal["antspynet"] = "antspynet"
    version: Literal[1] = 1
    function: AntspynetFunction
    parameters: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,79}$")], bool | int | float | Line
    ] = Field(default_factory=dict)
    library: Line
    weights: Annotated[dict[FileName, Weights], Field(min_length=1, max_length=MOST_WEIGHTS)]
    steadied: Steadied = Steadied()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 123
    memory: Annotated[int | None, Field(ge=2**30, le=2**37, exclude_if=absent)] = None
    finding: Annotated[str | None, Field(pattern=FINDING, exclude_if=absent)] = None

    @property
    def reads_films(self) -> bool:
        """Whether it takes a film, and no volume."""
        return self.function in FILM_FUNCTIONS

    @model_validator(mode="after")
    def _names_a_finding_of_a_film(self) -> Self:
        if self.reads_films is not (self.finding is not None):
            raise ValueError(
                f"{self.function} needs a `finding`"
                if self.reads_films
                else f"{self.function} has no findings"
            )
        if self.reads_films and (self.steadied.outliers or self.steadied.upright):
            raise ValueError(f"{self.function} reads films; `steadied` is for heads")
        return self

    @model_validator(mode="after")
    def _is_not_too_much(self) -> Self:
        if sum(one.size for one in self.weights.values()) > MOST_WEIGHT_BYTES:
            raise ValueError(f"the weights are larger than {MOST_WEIGHT_BYTES} bytes together")
        return self
