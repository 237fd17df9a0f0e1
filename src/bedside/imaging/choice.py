"""Which of several series is meant, and whether a sheared one may be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Rule: TypeAlias = Literal["only", "only-volumetric", "largest"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which series is read where there are several; nothing is ever chosen by its place in a list.

    Attributes:
        series: A Series Instance UID, or the end of one, or such an end with `/2` for the second
            stack of that series, as the list in the refusal says them; None where `rule` decides.
        rule: `only`: there must be one. `only-volumetric`: there must be one that is a volume
            (three or more evenly spaced parallel slices, no localizer). `largest`: of those the
            one with the most voxels; two of one size are refused. Neither takes a stack that misses
            slices which another stack of its series has.
        sheared: Whether axes that are not at right angles (gantry tilt) are read as they are, with
            a note: the affine is then exact, and whoever resamples by it straightens the volume.
            Otherwise such a volume is refused.
    """

    series: str | None = None
    rule: Rule = "only"
    sheared: bool = False


ONLY: Final = Choice()
