"""Whether the parts of a manifest agree with each other, beyond the shape of each part.

Pure rules. `package.open_package` applies them; `docs/spec/package.md` names each one.
"""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bedside.errors import PackageDamaged
from bedside.package.antspynet import AntspynetModel
from bedside.package.archive import MANIFEST, MAX_ENTRIES, SIGNATURE
from bedside.package.explanation import Occlusion, check_explanation, check_passes
from bedside.package.fields import TabularInput
from bedside.package.image_bounds import check_bounds
from bedside.package.image_operations import image_shape, told_shape
from bedside.package.images import ImageInput
from bedside.package.manifest import Manifest
from bedside.package.networks import ImageModel, Model, Network
from bedside.package.outputs import BinaryOutput, NumberOutput
from bedside.package.preprocessing import image_operations, tabular_operations
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_consistency import check_range, check_volume, taken
from bedside.package.volumes import VolumeInput
from bedside.package.widths import block_widths

DOMAINS = frozenset({"ai.onnx", "ai.onnx.ml"})
"""Operator domains of the ONNX standard; any other would need code that is not in the package."""


def check_manifest(manifest: Manifest) -> None:
    """Check what no single part of the manifest can see.

    Raises:
        PackageDamaged: preprocessing that does not fit together or does not give the model its
            columns, an unknown operator domain, an unreadable runtime range, or entries that
            cannot be; the message names the value.
    """
    match manifest.input:
        case TabularInput():
            _check_table(manifest.input, manifest)
        case ImageInput():
            _check_picture(manifest.input, manifest)
        case VolumeInput():
            check_volume(manifest)
    if isinstance(manifest.postprocessing, SegmentationOutput) is not (
        manifest.golden.least_dice is not None
    ):
        raise PackageDamaged("A segmentation states `golden.least_dice`, and nothing else does.")
    if not isinstance(manifest.model, AntspynetModel):
        _check_domains(manifest.model)
    try:
        SpecifierSet(manifest.conditions.runtime)
    except InvalidSpecifier as problem:
        raise PackageDamaged(
            f"The runtime range {manifest.conditions.runtime[:80]!r} is not a version specifier.",
            advice="Write it like '>=1.22,<2' (PEP 440).",
        ) from problem
    _check_entries(manifest)


def _check_domains(network: Network) -> None:
    if strangers := sorted(set(network.opset) - DOMAINS):
        raise PackageDamaged(
            f"The model uses the operator domain(s) {strangers[:5]}; allowed: {sorted(DOMAINS)}."
        )


def _check_table(declared: TabularInput, manifest: Manifest) -> None:
    widths = block_widths(declared, tabular_operations(manifest.preprocessing))
    block, width = list(widths.items())[-1]
    if not isinstance(manifest.model, Model):
        raise PackageDamaged(f"The input is a table, and the model takes {taken(manifest.model)}.")
    if width != manifest.model.width:
        raise PackageDamaged(
            f"The last block {block!r} has {width} columns; the model takes {manifest.model.width}."
        )
    _check_answer(manifest)


def _check_picture(declared: ImageInput, manifest: Manifest) -> None:
    operations = image_operations(manifest.preprocessing)
    if isinstance(manifest.model, AntspynetModel):
        _check_library_of_films(declared, manifest.model, manifest)
        return
    shape = image_shape(declared.pixels, operations)
    check_bounds(declared, operations)
    if not isinstance(manifest.model, ImageModel):
        raise PackageDamaged(
            f"The input is a picture, and the model takes {taken(manifest.model)}."
        )
    if shape != manifest.model.shape:
        raise PackageDamaged(
            f"The operations give pictures of {told_shape(shape)}; the model takes "
            f"{told_shape(manifest.model.shape)}."
        )
    _check_answer(manifest)
    if isinstance(manifest.explanation, Occlusion):
        check_passes(manifest.explanation, *manifest.model.shape[1:])


def _check_library_of_films(
    declared: ImageInput, model: AntspynetModel, manifest: Manifest
) -> None:
    """Check that a film is only read, and one finding answered: the rest is the library's own."""
    operations = image_operations(manifest.preprocessing)
    image_shape(declared.pixels, operations)  # a window comes first
    if not model.reads_films:
        raise PackageDamaged(f"The input is a picture, and {model.function!r} takes volumes.")
    if declared.pixels != "grey" or len(operations) != 1:
        raise PackageDamaged(
            f"{model.function!r} prepares grey films itself; the preprocessing must be one window."
        )
    if not isinstance(manifest.postprocessing, BinaryOutput) or manifest.explanation is not None:
        raise PackageDamaged(
            f"{model.function!r} answers one finding: a binary output, without an explanation."
        )
    check_range(model.library)


def _check_answer(manifest: Manifest) -> None:
    output = manifest.postprocessing
    if isinstance(output, SegmentationOutput) or isinstance(manifest.input, VolumeInput):
        raise PackageDamaged(f"The input is {manifest.input.kind}, and the output a segmentation.")
    if isinstance(output, NumberOutput) and output.plausible is not None:
        raise PackageDamaged(
            f"The number {output.name!r} has a plausible range, which only numbers of volumes have."
        )
    if manifest.explanation is not None:
        check_explanation(manifest.explanation, manifest.input, output)


def _check_entries(manifest: Manifest) -> None:
    if reserved := sorted({MANIFEST, SIGNATURE} & set(manifest.entries)):
        raise PackageDamaged(f"The manifest lists {reserved}; it lists only the other entries.")
    model = manifest.model
    if not isinstance(model, AntspynetModel) and model.entry == manifest.golden.entry:
        raise PackageDamaged(f"The model and the golden cases are the same entry {model.entry!r}.")
    if len(manifest.entries) > MAX_ENTRIES - 2:
        raise PackageDamaged(
            f"The manifest lists {len(manifest.entries)} entries; at most {MAX_ENTRIES - 2}."
        )
