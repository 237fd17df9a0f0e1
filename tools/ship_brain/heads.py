"""The heads that the package is evaluated on, as a data set: scans, their masks, another program's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bedside.errors import NotFound
from bedside.lab.datasets.listing import SUFFIXES
from bedside.lab.datasets.manifest import Case, Dataset, DatasetManifest, stored_at

TEMPLATE = "MNI152_T1_2mm_Brain_Mask.nii.gz"


@dataclass(frozen=True)
class Head:
    """A scan, and the masks that its publishers give with it.

    Attributes:
        image: Its file.
        patient: Whom it shows; templates of the same people are one.
        contrast: Of the scan.
        masks: Files by the name of the reference.
    """

    image: str
    patient: str
    contrast: str
    masks: tuple[tuple[str, str], ...] = ()


HEADS = (
    Head(
        "colin27_T1.nii.gz",
        "colin27",
        "T1",
        (
            ("colin27-closed", "colin27_brainmask_closed.nii.gz"),
            ("colin27-icv", "colin27_brainmask_icv.nii.gz"),
        ),
    ),
    Head("MNI152_T1_2mm.nii.gz", "mni152", "T1", (("mni152", TEMPLATE),)),
    Head("avg152T2.nii", "mni152", "T2", (("mni152", TEMPLATE),)),
    Head("avg152PD.nii", "mni152", "PD", (("mni152", TEMPLATE),)),
    Head("MoAE_t1.nii.gz", "moae", "T1", (("bet", "MoAE_brainmask_from_BET.nii.gz"),)),
    Head("chris_t1.nii.gz", "chris", "T1"),
    Head("chris_PD.nii.gz", "chris", "PD"),
)


REFERENCES = {
    "colin27-closed": "tissue of colin27, closed",
    "colin27-icv": "tissue and fluid of colin27",
    "mni152": "the template's own mask",
    "bet": "a rough mask by BET",
}
"""What people read for the name of a reference; another program's is its own name."""


def evaluation_heads(folder: Path, others: Path | None, name: str, into: Path) -> Dataset:
    """Return the data set of the heads of a folder; the manifest's paths name no place.

    Args:
        folder: Of the scans and their masks.
        others: Of another program's masks, each called like its scan; None where there are none.
        name: Of that program.
        into: A new folder, where every file gets a link.

    Raises:
        NotFound: a scan or a mask is missing.
    """
    into.mkdir(parents=True)
    cases = []
    for head in HEADS:
        files = {"image": folder / head.image}
        files |= {f"mask.{role}": folder / mask for role, mask in head.masks}
        if others is not None:
            files[f"mask.{name}"] = next(_called(others, _stem(head.image)))
        stored = {}
        for role, path in files.items():
            link = into / f"{_stem(head.image)}-{role}{path.name[len(_stem(path.name)) :]}"
            link.symlink_to(path.resolve())
            stored[role] = stored_at(link, link.name)
        cases.append(
            Case(
                name=_stem(head.image),
                patient=head.patient,
                contrast=head.contrast,
                files=stored,
                facts={"modality": "MR", "body_part": "HEAD"},
            )
        )
    manifest = DatasetManifest(
        name="Heads and templates by MR, published with software for the brain",
        licence="several, for tests of software; no file of it is in this package",
        consent_basis="published by their makers; no name and no date in them",
        origin="FieldTrip, MNI, SPM, NiiVue; that all fluid within the dura belongs to the mask was "
        "chosen after looking at some of them, so that the figures are not blind",
        cases=tuple(cases),
    )
    return Dataset(manifest, into)


def _called(folder: Path, stem: str) -> Iterator[Path]:
    yield from (path for suffix in SUFFIXES if (path := folder / f"{stem}{suffix}").is_file())
    raise NotFound(f"{folder} has no mask {stem}.nii or {stem}.nii.gz.")


def _stem(name: str) -> str:
    return name.removesuffix(".gz").removesuffix(".nii")
