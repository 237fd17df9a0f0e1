"""Whether the parts of a manifest agree with each other, beyond the shape of each part.

Pure rules. `package.open_package` applies them; `docs/spec/package.md` names each one.
"""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bedside.errors import PackageDamaged
from bedside.package.archive import MANIFEST, MAX_ENTRIES, SIGNATURE
from bedside.package.explanation import Occlusion, check_explanation, check_passes
from bedside.package.fields import TabularInput
from bedside.package.image_bounds import check_bounds
from bedside.package.image_operations import image_shape, told_shape
from bedside.package.images import ImageInput
from bedside.package.manifest import ImageModel, Manifest, Model
from bedside.package.preprocessing import image_operations, tabular_operations
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
    if manifest.explanation is not None:
        check_explanation(manifest.explanation, manifest.input, manifest.postprocessing)
    if strangers := sorted(set(manifest.model.opset) - DOMAINS):
        raise PackageDamaged(
            f"The model uses the operator domain(s) {strangers[:5]}; allowed: {sorted(DOMAINS)}."
        )
    try:
        SpecifierSet(manifest.conditions.runtime)
    except InvalidSpecifier as problem:
        raise PackageDamaged(
            f"The runtime range {manifest.conditions.runtime[:80]!r} is not a version specifier.",
            advice="Write it like '>=1.22,<2' (PEP 440).",
        ) from problem
    _check_entries(manifest)


def _check_table(declared: TabularInput, manifest: Manifest) -> None:
    widths = block_widths(declared, tabular_operations(manifest.preprocessing))
    block, width = list(widths.items())[-1]
    if not isinstance(manifest.model, Model):
        raise PackageDamaged("The input is a table, and the model takes pictures.")
    if width != manifest.model.width:
        raise PackageDamaged(
            f"The last block {block!r} has {width} columns; the model takes {manifest.model.width}."
        )


def _check_picture(declared: ImageInput, manifest: Manifest) -> None:
    operations = image_operations(manifest.preprocessing)
    shape = image_shape(declared.pixels, operations)
    check_bounds(declared, operations)
    if not isinstance(manifest.model, ImageModel):
        raise PackageDamaged("The input is a picture, and the model takes a table.")
    if shape != manifest.model.shape:
        raise PackageDamaged(
            f"The operations give pictures of {told_shape(shape)}; the model takes "
            f"{told_shape(manifest.model.shape)}."
        )
    if isinstance(manifest.explanation, Occlusion):
        check_passes(manifest.explanation, *manifest.model.shape[1:])


def _check_entries(manifest: Manifest) -> None:
    if reserved := sorted({MANIFEST, SIGNATURE} & set(manifest.entries)):
        raise PackageDamaged(f"The manifest lists {reserved}; it lists only the other entries.")
    if manifest.model.entry == manifest.golden.entry:
        raise PackageDamaged(
            f"The model and the golden cases are the same entry {manifest.model.entry!r}."
        )
    if len(manifest.entries) > MAX_ENTRIES - 2:
        raise PackageDamaged(
            f"The manifest lists {len(manifest.entries)} entries; at most {MAX_ENTRIES - 2}."
        )
