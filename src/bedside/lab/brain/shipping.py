"""From a training run to the package of brain extraction: domain, words, figures, golden heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bedside.freezing.circumstances import Circumstances
from bedside.freezing.freeze import FrozenModel, prove
from bedside.freezing.volumes.assembly import assemble_volume
from bedside.freezing.volumes.likeness import learned, thinned
from bedside.freezing.volumes.spec import VolumeAnswers, VolumeGolden, VolumeSpec
from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.lab.brain.golden_heads import GOLDEN_HEADS, GoldenHead
from bedside.lab.brain.package_words import INTENDED_USE, LICENCE, NOT_FOR, TITLE
from bedside.lab.brain.recipe import operations
from bedside.lab.brain.run import TrainedRun
from bedside.lab.brain.source import BrainSource
from bedside.package.manifest import Evaluation
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volumes import (
    MOST_VOXELS,
    FieldOfView,
    MillimetreRange,
    VolumeLikeness,
    VoxelRange,
)

NAME: Final = "brain-extraction"
VERSION: Final = "1.0.0"

DOMAIN: Final = VolumeAnswers(
    media=("nifti", "dicom-series", "dicom-enhanced"),
    modalities=("MR",),
    body_parts=("HEAD", "BRAIN"),
    unstated="flag",
    spacing=MillimetreRange(minimum=0.3, maximum=8.0),
    field_of_view=FieldOfView(
        left_right=MillimetreRange(minimum=100.0, maximum=320.0),
        back_front=MillimetreRange(minimum=120.0, maximum=320.0),
        foot_head=MillimetreRange(minimum=70.0, maximum=360.0),
    ),
    sides=VoxelRange(minimum=12, maximum=768),
    most_voxels=MOST_VOXELS,
    most_anisotropic=16.0,
)
"""Whole heads by MR, from thick slices to a third of a millimetre; how they look is learned."""

REFUSED_SHARE: Final = 2 / 3
"""Of the smallest likeness of a head: below it a volume is refused."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a package of a run is given beside its weights.

    Attributes:
        evaluation: Its figures.
        likeness: How the heads of its domain look.
        output: What its logits mean.
        version: Semantic.
    """

    evaluation: Evaluation
    likeness: VolumeLikeness | None
    output: SegmentationOutput
    version: str = VERSION


def learned_likeness(run: TrainedRun) -> VolumeLikeness:
    """Return how heads look, learned from the label maps of the training; the same for the same maps.

    What looks a little otherwise (a brain without its skull, a strange field of view) is answered
    with a flag, what has little of a head (a belly, a lizard, noise) is refused.

    Raises:
        NotFound, UsageError: the maps are not there, or others than those of the run.
    """
    paths, _ = run.label_maps()
    maps = [thinned(read_volume(files_at(path))) for path in paths]
    found = learned(maps, otherwise="flag")
    least = round(REFUSED_SHARE * found.minimum, 2)
    return VolumeLikeness(**{**dict(found), "refuse_below": least})


def brain_spec(run: TrainedRun, said: Said) -> VolumeSpec:
    """Return all that is stated of the package."""
    settings = run.settings
    return VolumeSpec(
        name=NAME,
        version=said.version,
        title=TITLE,
        licence=LICENCE,
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        claim_level="research",
        languages=("en", "ja"),
        volume=DOMAIN.model_copy(update={"likeness": said.likeness}),
        preprocessing=operations(settings.spacing, settings.network),
        output=said.output,
        origin=run.origin,
        evaluation=said.evaluation,
        golden=VolumeGolden(cases=len(GOLDEN_HEADS)),
    )


def frozen_brain(
    run: TrainedRun,
    said: Said,
    circumstances: Circumstances,
    heads: Sequence[GoldenHead] = GOLDEN_HEADS,
) -> FrozenModel:
    """Return the package of a run, proved: torch and frozen network agree, golden cases hold.

    Args:
        run: That was trained.
        said: What is stated beside.
        circumstances: Who signs, when, and who hears of it.
        heads: Of the golden cases.

    Raises:
        FreezeRefused: frozen and torch differ.
        InputRefused: a golden head lies outside the domain.
    """
    source = BrainSource(run.network, run.settings.network.widths)
    rows = [(head.row(), head.note) for head in heads]
    made = assemble_volume(source, brain_spec(run, said), circumstances, rows)
    circumstances.tell("replaying the golden cases")
    package = prove(made.archive, circumstances.signer)
    return FrozenModel(made.archive, package, made.report, (*source.notes, *made.notes))
