"""The steps of freezing, in order, from a fitted model to the bytes of a package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sklearn.base import BaseEstimator

from bedside.freezing.compare import Comparison, compare, typical_size
from bedside.freezing.convert import INPUT, convert
from bedside.freezing.domain import Group, comparison_groups, evenly
from bedside.freezing.frames import NativeTable, Table, as_frame, raw_rows
from bedside.freezing.frozen import FrozenModelPath, FrozenParts
from bedside.freezing.golden import golden_cases
from bedside.freezing.lineage import make_lineage, moment_of_freezing
from bedside.freezing.native import NativeModel, check_output
from bedside.freezing.outside import refuse_outside
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sklearn.preprocessing import Translated, native_names, translate_model
from bedside.freezing.spec import Spec
from bedside.keys.signing import SigningKey
from bedside.package.fields import TabularInput
from bedside.package.golden import write_golden
from bedside.package.manifest import Conditions, Golden, Lineage, Manifest, Model
from bedside.package.package import build_package, describe_entries
from bedside.runtime.session import this_processor

MODEL_ENTRY = "model.onnx"
GOLDEN_ENTRY = "golden.json"

RUNTIME = ">=1.22,<2"
"""ONNX Runtime versions that a package is offered to; each must replay the golden cases first."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is not of the model: who signs, with which libraries, at what time.

    Attributes:
        signer: The signing key, or None.
        libraries: Versions of the libraries at work.
        frozen_at: The time to record; None takes SOURCE_DATE_EPOCH or the clock.
    """

    signer: SigningKey | None
    libraries: dict[str, str]
    frozen_at: datetime | None


def assemble(
    model: BaseEstimator, data: Table, spec: Spec, circumstances: Circumstances
) -> tuple[bytes, Comparison]:
    """Return the package's bytes, and the comparison that it stands on.

    Raises:
        FreezeRefused: a part cannot be frozen exactly.
    """
    translated = translate_model(model, spec.fields)
    step = Step(translated.estimator, translated.path)
    check_output(step, spec.output, spec.native_classes)
    parts = _parts(translated, step, spec, circumstances.libraries)
    frame = as_frame(data, spec.fields)
    rows = raw_rows(frame, spec.fields)
    refuse_outside(rows, spec.fields)
    table = NativeTable.like(frame, spec.fields, native_names(model))
    native = NativeModel(model, table, spec.output, step)
    frozen = FrozenModelPath(parts)
    groups = comparison_groups(
        evenly(rows, spec.comparison.data_rows),
        spec.fields,
        seed=spec.comparison.seed,
        random_rows=spec.comparison.random_rows,
    )
    tolerance, typical = spec.comparison.tolerance, typical_size(native, groups[0])
    report = compare(native, frozen, groups, tolerance, typical)
    golden = golden_cases(spec.fields, rows, frozen, spec.output, spec.golden)
    last = Group("golden cases", tuple(case.row for case in golden))
    report = report.and_also(compare(native, frozen, (last,), tolerance, typical))
    cases = tuple(case.case for case in golden)
    entries = {MODEL_ENTRY: parts.network, GOLDEN_ENTRY: write_golden(cases)}
    moment = moment_of_freezing(circumstances.frozen_at)
    lineage = make_lineage(spec, translated.estimator, report, circumstances.libraries, moment)
    manifest = _manifest(spec, parts, lineage, (len(cases), entries))
    return build_package(manifest, entries, circumstances.signer), report


def _parts(
    translated: Translated, step: Step, spec: Spec, libraries: dict[str, str]
) -> FrozenParts:
    converted = convert(step, translated.width)
    model = Model(
        entry=MODEL_ENTRY,
        opset=converted.opset,
        input=INPUT,
        element=converted.element,
        width=translated.width,
        output=converted.output,
    )
    conditions = Conditions(
        runtime=RUNTIME,
        verified_with=libraries,
        graph_optimisation="basic",
        processor=this_processor(),
    )
    return FrozenParts(
        declared=TabularInput(fields=spec.fields),
        operations=translated.operations,
        network=converted.onnx,
        model=model,
        conditions=conditions,
        output=spec.output,
    )


def _manifest(
    spec: Spec, parts: FrozenParts, lineage: Lineage, golden: tuple[int, dict[str, bytes]]
) -> Manifest:
    cases, entries = golden
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
        conditions=parts.conditions,
        lineage=lineage,
        evaluation=spec.evaluation,
        golden=Golden(entry=GOLDEN_ENTRY, cases=cases, tolerance=spec.golden.tolerance),
        entries=describe_entries(entries),
    )
