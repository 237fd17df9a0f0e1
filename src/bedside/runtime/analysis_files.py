"""The files of an analysis: mask, probability, measurements and a picture, the same at every door.

Equal analyses give equal bytes: no time and no machine stands in them.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bedside.canonical import Json, digest
from bedside.imaging.measuring.extents import Triple
from bedside.imaging.views.picture import picture
from bedside.imaging.views.view import Findings, ShownClass, Style
from bedside.imaging.volume import Volume
from bedside.imaging.volume_writing import nifti_bytes
from bedside.package.manifest import Manifest, write_manifest
from bedside.package.outputs import NumberOutput
from bedside.package.segmentation import SegmentationOutput
from bedside.runtime.analysis import Analysis

MASK: Final = "mask.nii.gz"
PROBABILITY: Final = "probability.nii.gz"
MEASUREMENTS: Final = "measurements.json"
PICTURE: Final = "picture.png"

USUAL: Final = Style()
"""English, radiological, recorded, outlines."""


def files_of(
    analysis: Analysis, manifest: Manifest, source: Volume, style: Style = USUAL
) -> dict[str, bytes]:
    """Return the files of an analysis by name; of a number, the measurements alone.

    Args:
        analysis: What the model said of `source`.
        manifest: The model's.
        source: The volume as it was read.
        style: Language, convention and whether it was recorded.

    Returns:
        `mask.nii.gz`: labels, uint8. `probability.nii.gz`: that a voxel is no background, in steps
        of 1/65,535, before the labels were refined. `measurements.json`: `measurements_of`.
        `picture.png`: three planes and a mosaic.
    """
    told = measurements_of(analysis, manifest, recorded=style.recorded)
    written = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    files = {MEASUREMENTS: written.encode("utf-8")}
    if analysis.labels is None or analysis.probability is None:
        return files
    frame, affine = analysis.facts.frame, analysis.affine
    with ThreadPoolExecutor(1, "bedside-files") as beside:  # packed while the picture is drawn
        mask = beside.submit(nifti_bytes, analysis.labels, affine, frame=frame)
        probability = beside.submit(
            nifti_bytes, analysis.probability, affine, frame=frame, stored="uint16"
        )
        drawn = picture_of(analysis, manifest, source, style)
        files |= {MASK: mask.result(), PROBABILITY: probability.result(), PICTURE: drawn}
    return files


def picture_of(
    analysis: Analysis, manifest: Manifest, source: Volume, style: Style = USUAL
) -> bytes:
    """Return the PNG file that shows what was found in `source`."""
    output = manifest.postprocessing
    classes: tuple[ShownClass, ...] = ()
    if isinstance(output, SegmentationOutput):
        classes = tuple(
            ShownClass(one.value, one.shown.get(style.language, one.label), one.label)
            for one in output.classes[1:]
        )
    probability = analysis.probability if style.probability else None
    focus = _largest(analysis, classes)
    found = Findings(analysis.labels, probability, classes, focus)
    return picture(source.values, source.affine, found, style)


def _largest(analysis: Analysis, classes: tuple[ShownClass, ...]) -> Triple | None:
    """Return the centre of the largest region, where it was measured of all that is shown."""
    if len(classes) != 1:
        return None
    for one in analysis.measurements.get(classes[0].label, ()):
        if one.quantity == "region-centre" and one.region == 1:
            right, front, head = one.values
            return right, front, head
    return None


def measurements_of(
    analysis: Analysis, manifest: Manifest, *, recorded: bool = True
) -> dict[str, Json]:
    """Return everything about an analysis that is told in words and numbers."""
    told: dict[str, Json] = {
        "version": 1,
        "recorded": recorded,
        "model": {
            "name": manifest.name,
            "version": manifest.version,
            "package": digest(write_manifest(manifest)),
            "title": dict(manifest.title),
            "claim_level": manifest.claim_level,
        },
        "volume": _volume(analysis),
        "flags": [{"code": one.code, "detail": one.detail} for one in analysis.flags],
        "out_of_domain": _rounded(analysis.out_of_domain),
    }
    match manifest.postprocessing:
        case SegmentationOutput() as output:
            told |= _segmentation(analysis, output)
        case NumberOutput() as output:
            value = analysis.values[output.name]
            told["answer"] = {"name": output.name, "value": value, "unit": output.unit}
        case _:
            pass
    if not recorded:
        told["notice"] = "UNRECORDED, not for clinical use"
    return told


def _volume(analysis: Analysis) -> dict[str, Json]:
    facts = analysis.facts
    told: dict[str, Json] = {
        "digest": facts.digest,
        "medium": facts.medium,
        "modality": facts.modality,
        "body_part": facts.body_part,
        "series": facts.series,
        "frame": facts.frame,
        "axes": "i, j, k to mm: right, front, head (RAS+)",
        "affine": [[float(one) for one in row] for row in analysis.affine.tolist()],
    }
    if analysis.labels is not None:
        told["shape"] = list(analysis.labels.shape)
    return told


def _segmentation(analysis: Analysis, output: SegmentationOutput) -> dict[str, Json]:
    classes: list[Json] = []
    for one in output.classes[1:]:
        measured = [measurement.told() for measurement in analysis.measurements[one.label]]
        classes.append(
            {
                "value": one.value,
                "label": one.label,
                "shown": {**one.shown},
                "measurements": [*measured],
            }
        )
    threshold = output.threshold
    return {
        "classes": classes,
        "threshold": None if threshold is None else threshold.value,
        "probability": "that a voxel is no background, before the labels were refined",
        "refined": [operation.op for operation in output.operations],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
