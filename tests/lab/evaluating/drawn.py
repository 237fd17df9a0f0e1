"""A data set of drawn heads with masks, and the small package that finds what is bright in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bedside.imaging.measuring.masks import Mask
from bedside.imaging.volume import Volume
from bedside.imaging.volume_writing import nifti_bytes
from bedside.lab.datasets.listing import Words, as_they_are, list_table, rooted
from bedside.lab.datasets.manifest import write_dataset
from bedside.runtime.runner import Runner
from tests.volume_packages import MR_HEAD, head, opened

WORDS = Words("Drawn heads", "CC0", "nobody's data: every head is calculated", "calculated")
HEADS = (("one", "p1", "T1"), ("two", "p2", "T1"), ("three", "p2", "T2"))


def found_in(volume: Volume) -> Mask:
    """What the package finds."""
    labels = Runner(opened()).analyse(volume, MR_HEAD).labels
    assert labels is not None
    return labels > 0


def dataset_of_heads(folder: Path) -> Path:
    """Three heads of two people: found exactly; found but for a layer; refused, as it is empty.

    Returns:
        The manifest.
    """
    lines = ["case,patient,contrast,image,mask,mask.second,fact:sex"]
    for number, (case, patient, contrast) in enumerate(HEADS):
        volume = head(number)
        mask = found_in(volume)
        other = mask.copy()
        other[: mask.shape[0] // 2] = False  # the second reader marks one half
        values = np.zeros_like(volume.values) if case == "three" else volume.values
        for name, inside in (("mask", mask), ("second", other)):
            data = nifti_bytes(inside.astype(np.uint8), volume.affine)
            (folder / f"{case}-{name}.nii.gz").write_bytes(data)
        (folder / f"{case}-image.nii.gz").write_bytes(nifti_bytes(values, volume.affine))
        second = f"{case}-second.nii.gz" if case == "two" else ""
        sex = "f" if patient == "p1" else "m"
        lines.append(
            f"{case},{patient},{contrast},{case}-image.nii.gz,{case}-mask.nii.gz,{second},{sex}"
        )
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    made = list_table(folder, folder / "table.csv", WORDS, as_they_are)
    write_dataset(rooted(made, folder, folder / "heads.json"), folder / "heads.json")
    return folder / "heads.json"
