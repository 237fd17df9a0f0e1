"""From a training run to a package of lesion candidates: domain, words, threshold, golden heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from bedside.canonical import Json, canonical_bytes
from bedside.errors import UsageError
from bedside.freezing.authors_words import Origin
from bedside.freezing.circumstances import Circumstances
from bedside.freezing.freeze import FrozenModel, prove
from bedside.freezing.volumes.assembly import assemble_volume
from bedside.freezing.volumes.spec import VolumeAnswers, VolumeGolden, VolumeSpec
from bedside.lab.brain.golden_heads import GoldenHead
from bedside.lab.brain.network import BrainNetwork
from bedside.lab.brain.package_words import TRAINED_BY
from bedside.lab.brain.run import PLACES
from bedside.lab.brain.source import BrainSource
from bedside.lab.evaluating.regions import THRESHOLDS, Counted, counted
from bedside.lab.lesions.golden_heads import GOLDEN
from bedside.lab.lesions.judging import SEEN
from bedside.lab.lesions.package_words import INTENDED_USE, LICENCE, NOT_FOR, TITLE
from bedside.lab.lesions.recipe import operations, output
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.lesions.task import make
from bedside.lab.training.folder import RECORD, first_weights
from bedside.lab.training.record import origin_of, read_record
from bedside.lab.training.task import Cases
from bedside.package.manifest import DataSet, Evaluation, Metric
from bedside.package.volumes import MOST_VOXELS, FieldOfView, MillimetreRange, VoxelRange

TASK: Final = "lesion-candidates"
NAME: Final = "lesion-candidates"

DOMAIN: Final = VolumeAnswers(
    media=("nifti", "dicom-series", "dicom-enhanced"),
    modalities=("MR",),
    body_parts=("HEAD", "BRAIN"),
    unstated="flag",
    spacing=MillimetreRange(minimum=0.3, maximum=8.0),
    field_of_view=FieldOfView(
        left_right=MillimetreRange(minimum=100.0, maximum=260.0),
        back_front=MillimetreRange(minimum=120.0, maximum=290.0),
        foot_head=MillimetreRange(minimum=70.0, maximum=300.0),
    ),
    sides=VoxelRange(minimum=12, maximum=768),
    most_voxels=MOST_VOXELS,
    most_anisotropic=16.0,
)
"""Heads by MR, whole or without the skull. That the image is FLAIR nobody can tell from its file."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLesions:
    """What a run left.

    Attributes:
        settings: With which it was trained.
        network: With the weights of its best validation.
        origin: Where it comes from, as a package states it.
        record: What was recorded of it.
    """

    settings: LesionSettings
    network: BrainNetwork
    origin: Origin
    record: Mapping[str, Json]


def open_run(folder: Path) -> TrainedLesions:
    """Return the run in a folder.

    Raises:
        NotFound: it holds none that came to an end.
        UsageError: its weights are not those of its record, or it was of another task.
    """
    weights, _ = first_weights(folder)
    record = read_record(folder / RECORD)
    if record["task"] != TASK:
        raise UsageError(f"{folder} is a run of {record['task']!r}, not of {TASK!r}.")
    settings = LesionSettings.model_validate_json(canonical_bytes(record["settings"]))
    network = BrainNetwork(settings.network)
    network.load_state_dict(weights)
    told = origin_of(folder / RECORD, TRAINED_BY)
    kept = {name: one for name, one in told.parameters["settings"].items() if name not in PLACES}
    parameters = {**told.parameters, "settings": kept, "started_from_run": record["parent"]}
    origin = told.model_copy(update={"parameters": parameters})
    return TrainedLesions(settings, network.eval(), origin, record)


def validation(run: TrainedLesions) -> Evaluation:
    """Return how good it was on drawn parts of the heads that were held out."""
    record = run.record
    (data,) = (DataSet(**one) for one in record["data"] if one["name"].endswith(", validation"))
    best, step = record["best"], record["best_step"]
    cases = next(one["cases"] for one in record["validations"] if one["step"] == step)
    metric = Metric(
        name="lesion-wise F1, drawn heads",
        value=best,
        lower=best,
        upper=best,
        confidence=0.95,
        method="mean over drawn parts of heads that were held out; no interval",
        n=cases,
    )
    return Evaluation(data=data, metrics=(metric,))


@torch.no_grad()
def best_threshold(run: TrainedLesions, cases: Cases | None = None) -> float:
    """Return the threshold with the best lesion-wise F1 over drawn heads that were held out.

    Args:
        run: That was trained.
        cases: Drawn cases; None takes the validation's.
    """
    held_out = make(run.settings).validation_cases() if cases is None else cases
    spacing = run.settings.spacing
    affine = np.diag([spacing, spacing, spacing, 1.0])
    least = run.settings.lesions.smallest / 1_000
    scans = []
    for number in range(len(held_out)):
        case = held_out[number]
        probability = run.network(case["image"][None])[0, 0].sigmoid().numpy()
        scans.append(counted(probability, case["share"][0].numpy() >= SEEN, affine, least))
    points = list(zip(*scans, strict=True))
    return THRESHOLDS[int(np.argmax([pooled_f1(point) for point in points]))]


def pooled_f1(counts: Sequence[Counted]) -> float:
    """Return the harmonic mean of lesion-wise sensitivity and precision over scans."""
    regions = sum(one.regions for one in counts)
    found, false = (sum(getattr(one, name) for one in counts) for name in ("found", "false"))
    wrong = regions - found + false
    return 2 * found / (2 * found + wrong) if found else 0.0


def lesion_spec(
    run: TrainedLesions, threshold: float, evaluation: Evaluation, version: str
) -> VolumeSpec:
    """Return all that is stated of the package."""
    settings = run.settings
    return VolumeSpec(
        name=NAME,
        version=version,
        title=TITLE,
        licence=LICENCE,
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        claim_level="research",
        languages=("en", "ja"),
        volume=DOMAIN,
        preprocessing=operations(settings.spacing, settings.network),
        output=output(threshold, settings.lesions.smallest),
        origin=run.origin,
        evaluation=evaluation,
        golden=VolumeGolden(cases=len(GOLDEN)),
    )


def frozen_lesions(
    run: TrainedLesions,
    spec: VolumeSpec,
    circumstances: Circumstances,
    heads: Sequence[GoldenHead] = GOLDEN,
) -> FrozenModel:
    """Return the package of a run, proved: torch and frozen network agree, golden cases hold.

    Raises:
        FreezeRefused: frozen and torch differ.
        InputRefused: a golden head lies outside the domain.
    """
    source = BrainSource(run.network, run.settings.network.widths)
    rows = [(head.row(), head.note) for head in heads]
    made = assemble_volume(source, spec, circumstances, rows)
    circumstances.tell("replaying the golden cases")
    package = prove(made.archive, circumstances.signer)
    return FrozenModel(made.archive, package, made.report, (*source.notes, *made.notes))
