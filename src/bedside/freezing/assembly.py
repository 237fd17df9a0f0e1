"""The steps of freezing, in order, from a source and its author's data to the bytes of a package."""

from __future__ import annotations

import sys
from dataclasses import replace

from bedside.freezing.circumstances import Circumstances
from bedside.freezing.compare import compare, typical_size
from bedside.freezing.comparison import Comparison
from bedside.freezing.data import AuthorData
from bedside.freezing.domain import Group
from bedside.freezing.explaining import choose_contributions, choose_occlusion
from bedside.freezing.explanation_answers import OcclusionAnswers
from bedside.freezing.frozen import PICTURES_AT_ONCE, FrozenModelPath
from bedside.freezing.lineage import make_lineage, moment_of_freezing
from bedside.freezing.sources.source import FrozenNetwork, Source, model_of
from bedside.freezing.spec import Spec
from bedside.package.explanation import Explanation
from bedside.package.golden import write_golden
from bedside.package.manifest import (
    Conditions,
    Golden,
    Lineage,
    Manifest,
)
from bedside.package.networks import Network, RowModel
from bedside.package.package import build_package, describe_entries
from bedside.runtime.pipeline import Parts
from bedside.runtime.postprocess import output_width
from bedside.runtime.session import Session, this_processor

MODEL_ENTRY = "model.onnx"
GOLDEN_ENTRY = "golden.json"

EVERY_ROW = sys.maxsize
"""The reference of an explanation must be nobody's row, so every row is asked."""

RUNTIME = ">=1.22,<2"
"""ONNX Runtime versions that a package is offered to; each must replay the golden cases first."""


def assemble(
    source: Source, data: AuthorData, spec: Spec, circumstances: Circumstances
) -> tuple[bytes, Comparison]:
    """Return the package's bytes, and the comparison that it stands on.

    Raises:
        FreezeRefused: a part cannot be frozen exactly.
    """
    tell = circumstances.tell
    tell("looking at your data")
    data.refuse_outside()
    tell("translating the model")
    network = source.network(data, spec)
    native = source.native(data, spec)
    parts = _parts(network, data, spec, source)
    frozen = FrozenModelPath(parts)
    tell("comparing native and frozen answers")
    groups = data.groups(spec.comparison)
    tolerance, typical = spec.comparison.tolerance, typical_size(native, groups[0])
    report = compare(native, frozen, groups, tolerance, typical)
    session = Session(network.onnx, model_for(network), parts.conditions, output_width(spec.output))
    if inside := source.compare_inside(session, spec):
        report = report.and_also(inside)
    tell("making golden cases")
    golden = data.golden(frozen, spec.output, spec.golden)
    last = Group("golden cases", tuple(case.row for case in golden), at_once=PICTURES_AT_ONCE)
    report = report.and_also(compare(native, frozen, (last,), tolerance, typical))
    if spec.explanation is not None:
        tell("choosing how answers are explained")
        parts = replace(parts, explanation=_explanation(spec, data, network, frozen))
    tell("writing the package")
    cases = tuple(case.case for case in golden)
    entries = {MODEL_ENTRY: parts.network, GOLDEN_ENTRY: write_golden(cases)}
    moment, real = moment_of_freezing(circumstances.frozen_at), spec.golden.from_real_rows
    lineage = make_lineage(spec.origin, source, report, moment, real_rows=real)
    manifest = row_manifest(spec, parts, lineage, (len(cases), entries))
    return build_package(manifest, entries, circumstances.signer), report


def _parts(network: FrozenNetwork, data: AuthorData, spec: Spec, source: Source) -> Parts:
    conditions = Conditions(
        runtime=RUNTIME,
        verified_with={**source.libraries, **data.libraries},
        graph_optimisation="basic",
        processor=this_processor(),
    )
    return Parts(
        declared=data.declared,
        operations=network.operations,
        network=network.onnx,
        model=model_for(network),
        conditions=conditions,
        output=spec.output,
    )


def model_for(network: FrozenNetwork) -> RowModel:
    """Return what the manifest says of a translated network."""
    told = Network(
        entry=MODEL_ENTRY,
        opset=network.opset,
        input=network.input,
        element=network.element,
        output=network.output,
    )
    return model_of(told, network.shape)


def _explanation(
    spec: Spec, data: AuthorData, network: FrozenNetwork, frozen: FrozenModelPath
) -> Explanation:
    """Return how answers are explained: what the author states, the rest found on the frozen model."""
    if isinstance(spec.explanation, OcclusionAnswers):
        channels, rows, columns = network.shape
        return choose_occlusion((channels, rows, columns), spec.output, spec.explanation)
    everybody = data.some(EVERY_ROW)
    return choose_contributions(spec.fields, everybody, frozen, spec.output, spec.explanation)


def row_manifest(
    spec: Spec, parts: Parts, lineage: Lineage, golden: tuple[int, dict[str, bytes]]
) -> Manifest:
    """Return the manifest of a model of rows or pictures; `golden`: how many cases, the entries."""
    cases, entries = golden
    tolerance = spec.golden.tolerance
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
        input=parts.declared,
        preprocessing=parts.operations,
        model=parts.model,
        postprocessing=parts.output,
        explanation=parts.explanation,
        conditions=parts.conditions,
        lineage=lineage,
        evaluation=spec.evaluation,
        golden=Golden(entry=GOLDEN_ENTRY, cases=cases, tolerance=tolerance),
        entries=describe_entries(entries),
    )
