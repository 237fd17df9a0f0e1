"""The steps of freezing a volume model, in order, from a source to the bytes of a package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.freezing.assembly import GOLDEN_ENTRY, MODEL_ENTRY, RUNTIME
from bedside.freezing.circumstances import Circumstances
from bedside.freezing.comparison import Comparison
from bedside.freezing.lineage import make_lineage, moment_of_freezing
from bedside.freezing.volumes.source import VolumeNetwork, VolumeSource
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.phantoms import drawn_head, head_file
from bedside.package.antspynet import AntspynetModel
from bedside.package.golden import GoldenCase, write_golden
from bedside.package.manifest import Conditions, Golden, Lineage, Manifest
from bedside.package.package import build_package, describe_entries
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_models import VolumeModel
from bedside.package.volume_operations import VolumeOperation
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import Analysis, Stated
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.progress import silent
from bedside.runtime.session import this_processor
from bedside.runtime.volume_golden import golden_case
from bedside.runtime.volume_path import VolumePath
from bedside.runtime.volume_rows import read_row, volume_row

TELLING_MILLILITRES: Final = 10.0
"""A golden case says something of a class's borders from this volume on."""

DRAWN: Final = "drawn head"


@dataclass(frozen=True, slots=True)
class AssembledVolumes:
    """What the steps give.

    Attributes:
        archive: The package's bytes.
        report: The comparison that it stands on.
        notes: What the author must be told of the golden cases.
    """

    archive: bytes
    report: Comparison
    notes: tuple[str, ...]


def assemble_volume(
    source: VolumeSource,
    spec: VolumeSpec,
    circumstances: Circumstances,
    heads: Sequence[tuple[dict[str, Json], str]] = (),
) -> AssembledVolumes:
    """Return the package of `source`, and the comparison that it stands on.

    Args:
        source: The model.
        spec: What its author states.
        circumstances: Who signs, when, and who hears of it.
        heads: Rows of the golden cases and what each is, where the source has drawn its own.

    Raises:
        FreezeRefused: a part cannot be frozen exactly.
        InputRefused: the drawn heads of the golden cases lie outside the declared domain.
    """
    tell = circumstances.tell
    tell("translating the model")
    network = source.network(spec)
    declared = spec.volume.declared()
    model, conditions = _model(network), _conditions(source, spec)
    channels = spec.output.channels if isinstance(spec.output, SegmentationOutput) else None
    engine = OnnxEngine(network.onnx, model, conditions, channels)
    path = VolumePath(declared, network.operations, engine, spec.output)
    rows = heads or [(row, DRAWN) for row in drawn_rows(spec)]
    drawn = [Drawn(row, declared, note) for row, note in rows]
    tell("comparing native and frozen answers")
    report = source.compare(
        lambda volume: path.analyse(volume, _stated(declared), silent),
        [one.volume for one in drawn],
        spec,
    )
    cases = []
    for number, one in enumerate(drawn, 1):
        tell(f"making golden case {number} of {len(drawn)}")
        cases.append(one.case(f"case-{number:03d}", path))
    tell("writing the package")
    entries = {MODEL_ENTRY: network.onnx, GOLDEN_ENTRY: write_golden(tuple(cases))}
    moment = moment_of_freezing(circumstances.frozen_at)
    lineage = make_lineage(spec.origin, source, report, moment)
    manifest = volume_manifest(
        spec, network.operations, (model, conditions, lineage), (len(cases), entries)
    )
    archive = build_package(manifest, entries, circumstances.signer)
    return AssembledVolumes(archive, report, tuple(unseen(spec, cases)))


class Drawn:
    """A drawn head, as a client would send it and as it is then read."""

    def __init__(self, row: dict[str, Json], declared: VolumeInput, note: str = DRAWN) -> None:
        self._row, self._note = row, note
        self.volume, self._stated = read_row(row, declared)

    def case(self, name: str, path: VolumePath) -> GoldenCase:
        """Return it as a golden case with the frozen model's answer."""
        analysis: Analysis = path.analyse(self.volume, self._stated, silent)
        return golden_case(name, self._row, analysis, self._note)


def drawn_rows(spec: VolumeSpec) -> Iterator[dict[str, Json]]:
    """Yield the rows of the golden cases."""
    golden, stated = spec.golden, _stated(spec.volume.declared())
    for number in range(golden.cases):
        head = drawn_head(golden.shape, golden.spacing, golden.seed + number)
        yield volume_row(head_file(head), stated)


def _stated(declared: VolumeInput) -> Stated:
    parts = declared.body_parts
    return Stated(declared.modalities[0], parts[0] if parts else None)


def _model(network: VolumeNetwork) -> VolumeModel:
    return VolumeModel(
        entry=MODEL_ENTRY,
        opset=read_opset(network.onnx),
        input=network.input,
        element="float32",
        output=network.output,
        inference=network.inference,
        memory=network.memory,
    )


def _conditions(source: VolumeSource, spec: VolumeSpec) -> Conditions:
    return Conditions(
        runtime=RUNTIME,
        verified_with=dict(source.libraries),
        graph_optimisation="basic",
        threads=spec.threads,
        processor=this_processor(),
    )


def volume_manifest(
    spec: VolumeSpec,
    operations: tuple[VolumeOperation, ...],
    parts: tuple[VolumeModel | AntspynetModel, Conditions, Lineage],
    golden: tuple[int, dict[str, bytes]],
) -> Manifest:
    """Return the manifest of what `spec` states of a model with its conditions and lineage.

    Args:
        spec: What the author states.
        operations: The declared preprocessing.
        parts: The model, its conditions, its lineage.
        golden: How many golden cases there are, and every entry of the archive.
    """
    model, conditions, lineage = parts
    cases, entries = golden
    segments = isinstance(spec.output, SegmentationOutput)
    return Manifest(
        format_version=1,
        name=spec.name,
        version=spec.version,
        title=spec.title,
        licence=spec.licence,
        intended_use=spec.intended_use,
        not_for=spec.not_for,
        claim_level=spec.claim_level,
        languages=spec.languages,
        input=spec.volume.declared(),
        preprocessing=operations,
        model=model,
        postprocessing=spec.output,
        conditions=conditions,
        lineage=lineage,
        evaluation=spec.evaluation,
        golden=Golden(
            entry=GOLDEN_ENTRY,
            cases=cases,
            tolerance=spec.golden.tolerance,
            least_dice=spec.golden.least_dice if segments else None,
        ),
        entries=describe_entries(entries),
    )


def unseen(spec: VolumeSpec, cases: list[GoldenCase]) -> Iterator[str]:
    """Yield what the golden cases say too little of."""
    if not isinstance(spec.output, SegmentationOutput):
        return
    for one in spec.output.classes[1:]:
        most = max(case.scores[one.label] for case in cases)
        if most < TELLING_MILLILITRES:
            yield (
                f"No golden case holds much of {one.label!r} (at most {most:.3g} mL): a fault in "
                "where it is found would not be noticed. Try another golden.seed."
            )
