"""Whether the parts of a volume package agree: operations, network, classes, and their memory.

Pure rules; `package.consistency` applies them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bedside.errors import PackageDamaged
from bedside.package.antspynet import AntspynetModel
from bedside.package.manifest import AnyModel, Manifest
from bedside.package.networks import ImageModel, Model
from bedside.package.outputs import NumberOutput
from bedside.package.preprocessing import volume_operations
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_growth import MOST_SCORES
from bedside.package.volume_models import VolumeModel
from bedside.package.volume_operations import (
    Conform,
    Reorient,
    Shape,
    VolumeOperation,
    told_sides,
    volume_shape,
)
from bedside.package.volumes import MOST_VOXELS


def check_volume(manifest: Manifest) -> None:
    """Check a manifest whose input is a volume.

    Raises:
        PackageDamaged: operations, network and output do not fit together; names the value.
    """
    if manifest.explanation is not None:
        raise PackageDamaged(
            "The input is a volume, which no explanation of this version explains."
        )
    operations = volume_operations(manifest.preprocessing)
    shape = volume_shape(operations)
    output = manifest.postprocessing
    if not isinstance(output, SegmentationOutput | NumberOutput):
        raise PackageDamaged(
            f"The input is a volume, and the output is {output.kind!r}; it must be a segmentation "
            "or a number."
        )
    match manifest.model:
        case VolumeModel() as model:
            _check_orientation(operations)
            _check_network(model, shape, output)
        case AntspynetModel() as model:
            if operations:
                raise PackageDamaged(
                    f"{model.function!r} prepares volumes itself; the preprocessing must be empty."
                )
            if model.reads_films:
                raise PackageDamaged(f"The input is a volume, and {model.function!r} takes films.")
            check_range(model.library)
        case other:
            raise PackageDamaged(f"The input is a volume, and the model takes {taken(other)}.")


def _check_orientation(operations: Sequence[VolumeOperation]) -> None:
    """Refuse a list in which the order of a file's axes would decide what the network sees."""
    if not any(isinstance(one, Reorient | Conform) for one in operations):
        raise PackageDamaged(
            "No operation says how the axes point: the order in which a file stores its voxels "
            "would decide the answer.",
            advice="Begin the preprocessing with reorient (such as axes RAS) or conform.",
        )


def taken(model: AnyModel) -> str:
    """Return what a model takes, in words."""
    match model:
        case Model():
            return "a table"
        case ImageModel():
            return "pictures"
        case _:
            return "volumes"


def _check_network(
    model: VolumeModel, shape: Shape | None, output: SegmentationOutput | NumberOutput
) -> None:
    inference = model.inference
    channels = output.channels if isinstance(output, SegmentationOutput) else 1
    if inference.mode == "whole":
        if inference.shape is not None and inference.shape != shape:
            found = "any size" if shape is None else told_sides(shape)
            raise PackageDamaged(
                f"The operations give {found}; the network takes {told_sides(inference.shape)}.",
                advice="conform and crop_or_pad give a fixed shape.",
            )
    elif isinstance(output, NumberOutput):
        raise PackageDamaged("A network that gives one number sees the whole volume, no windows.")
    elif (step := min(inference.patch)) < 2:
        raise PackageDamaged(f"A window of {told_sides(inference.patch)} has a side of {step}.")
    voxels = math.prod(
        shape or (inference.shape if inference.mode == "whole" else inference.patch) or (1,)
    )
    if voxels > MOST_VOXELS:
        raise PackageDamaged(
            f"The network takes {voxels} voxels at once; a volume has at most {MOST_VOXELS}."
        )
    if channels * voxels > MOST_SCORES:
        raise PackageDamaged(
            f"{channels} classes of {voxels} voxels are more than {MOST_SCORES} scores."
        )


def check_range(library: str) -> None:
    """Check the accepted versions of a library.

    Raises:
        PackageDamaged: they are no version specifier.
    """
    try:
        SpecifierSet(library)
    except InvalidSpecifier as problem:
        raise PackageDamaged(
            f"The range of versions {library[:80]!r} is not a version specifier.",
            advice="Write it like '>=0.3,<0.4' (PEP 440).",
        ) from problem
