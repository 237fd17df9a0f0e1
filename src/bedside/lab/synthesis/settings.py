"""How widely drawn images vary; every share is how often something happens, 0 to 1."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from bedside.package.fields import Frozen

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Extent: TypeAlias = Annotated[float, Field(ge=0)]


class SynthesisSettings(Frozen):
    """What is drawn by chance, and how far it goes.

    Attributes:
        tilt: Largest rotation about each axis, degrees.
        stretch: Largest change of scale along each axis; 0.15 is from 0.85 to 1.15.
        smallest: Least scale of the whole head.
        largest: Largest scale of the whole head; grown people's brains have up to 2 L, and those of
            the label maps 1.1 to 1.6 L.
        shear: Largest shear.
        shift: Largest way of the brain's middle from the middle of the grid, mm, each axis.
        bending: Largest standard deviation of the smooth deformation, mm.
        mirrored: Share of heads with left and right exchanged.
        turned: Share of heads whose axes are exchanged or reversed, as in a file that says nothing
            true of its orientation.
        sequences: Share of images whose grey values follow a known kind of sequence.
        bias: Largest standard deviation of the logarithm of the bias field.
        noise: Largest standard deviation of noise, of a range of 0 to 1.
        texture: Largest standard deviation of grey values within a tissue.
        blurred: Share of images that are blurred.
        thick: Share of images with thick slices.
        thickest: Thickest slice, mm.
        ghosted: Share with ghosts.
        spiked: Share with spikes in k-space.
        filled: Share of brains that are drawn up to 2 mm wider, so that they fill the skull.
        cut_below: Share whose field of view ends near below the brain.
        cut: Share, for each other side, whose field of view ends there.
        defaced: Share without a face.
        stripped: Share whose skull was taken away before.
        lesioned: Share with white-matter lesions, or holes, where the map has none.
    """

    tilt: Extent = 20.0
    stretch: Share = 0.12
    smallest: Annotated[float, Field(gt=0.5, le=1)] = 0.88
    largest: Annotated[float, Field(ge=1, lt=2)] = 1.25
    shear: Share = 0.06
    shift: Extent = 22.0
    bending: Extent = 4.0
    mirrored: Share = 0.5
    turned: Share = 0.01
    sequences: Share = 0.6
    bias: Extent = 0.45
    noise: Extent = 0.10
    texture: Extent = 0.12
    blurred: Share = 0.35
    thick: Share = 0.35
    thickest: Extent = 7.0
    ghosted: Share = 0.08
    spiked: Share = 0.04
    filled: Share = 0.3
    cut_below: Share = 0.35
    cut: Share = 0.10
    defaced: Share = 0.15
    stripped: Share = 0.08
    lesioned: Share = 0.15
