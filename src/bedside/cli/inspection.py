"""A manifest told to a person: what the model is, for whom, on what it rests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bedside.cli.screen import Page
from bedside.cli.volume_inspection import (
    library_rows,
    network_rows,
    segmentation_rows,
    volume_rows,
)
from bedside.package.parameters import parameters_in_words

if TYPE_CHECKING:
    from bedside.package.explanation import Explanation
    from bedside.package.fields import CategoryField, InputField, NumberField, TabularInput, Text
    from bedside.package.images import ImageInput, Likeness
    from bedside.package.manifest import (
        AnyModel,
        AnyOutput,
        DataSet,
        Evaluation,
        Lineage,
        Manifest,
        Metric,
    )
    from bedside.package.volumes import VolumeInput

_UNSTATED = MappingProxyType(
    {"refuse": "refused", "flag": "answered with a flag", "allow": "answered"}
)

MOST_CATEGORIES = 12
"""Categories listed of one field before the rest is only counted."""


def english(text: Text) -> str:
    """Return the English words of `text`, or those of its first language, or nothing."""
    return text.get("en") or next(iter(text.values()), "")


def tell_manifest(page: Page, manifest: Manifest) -> None:
    """Write all that the manifest says, except its entries."""
    page.line(f"{manifest.ref}   {english(manifest.title)}", style="bold")
    page.pairs(
        [
            ("claim", manifest.claim_level),
            ("for", english(manifest.intended_use)),
            ("not for", english(manifest.not_for)),
            ("licence", manifest.licence),
            ("languages", ", ".join(manifest.languages)),
        ]
    )
    page.heading("Input")
    _tell_input(page, manifest.input)
    page.heading("Output")
    page.pairs(output_rows(manifest.postprocessing), indent=2)
    if manifest.explanation is not None:
        page.heading("Explanation")
        page.pairs(explanation_rows(manifest.explanation), indent=2)
    page.heading("Lineage")
    page.pairs(_lineage_rows(manifest.lineage), indent=2)
    page.heading("Evaluation")
    _tell_evaluation(page, manifest.evaluation)
    page.heading("Conditions")
    page.pairs(_condition_rows(manifest), indent=2)


def _tell_input(page: Page, declared: TabularInput | ImageInput | VolumeInput) -> None:
    if declared.kind == "image":
        page.pairs(picture_rows(declared), indent=2)
        return
    if declared.kind == "volume":
        page.pairs(volume_rows(declared, _UNSTATED[declared.unstated]), indent=2)
        return
    rows = [_field_row(field) for field in declared.fields]
    page.table(("field", "type", "unit", "allowed", "missing"), rows)


def picture_rows(declared: ImageInput) -> list[tuple[str, str]]:
    """Return what a picture must be, as names and values."""
    rows, columns, intensity = declared.rows, declared.columns, declared.intensity
    return [
        ("one picture", f"{declared.pixels}; {', '.join(declared.media)}"),
        ("modality", ", ".join(declared.modalities)),
        ("body part", ", ".join(declared.body_parts) or "any"),
        ("view", ", ".join(declared.views) or "any"),
        ("where nobody says", _UNSTATED[declared.unstated]),
        ("rows", f"{rows.minimum} to {rows.maximum}"),
        ("columns", f"{columns.minimum} to {columns.maximum}"),
        ("elongation", f"the longer side at most {declared.most_elongated:g} times the shorter"),
        (
            "grey values",
            f"at least {intensity.levels} different ones, at most "
            f"{intensity.most_at_one_level:.0%} of all pixels at one",
        ),
        ("likeness", _likeness_words(declared.likeness)),
    ]


def _likeness_words(likeness: Likeness | None) -> str:
    if likeness is None:
        return "not looked at"
    otherwise = "refused" if likeness.otherwise == "refuse" else "answered with a flag"
    polarity = "; a negative is turned over" if likeness.polarity == "by-likeness" else ""
    return (
        f"at least {likeness.minimum:g} correlation with the mean of {likeness.pictures} pictures; "
        f"any other is {otherwise}{polarity}"
    )


def explanation_rows(explanation: Explanation) -> list[tuple[str, str]]:
    """Return how an answer is explained, as names and values."""
    if explanation.kind == "occlusion":
        how = (
            f"how far the answer falls where a square of {explanation.patch} pixels is covered, "
            f"every {explanation.stride} pixels"
        )
        unit = "pictures"
    else:
        how = f"what each field adds against a reference row ({explanation.method})"
        unit = "rows"
    return [
        ("how", how),
        ("scale", explanation.scale),
        ("cost", f"{explanation.passes} {unit} through the network"),
    ]


def _field_row(field: InputField) -> tuple[str, ...]:
    kind, unit, allowed = _number_words(field) if field.kind == "number" else _category_words(field)
    return field.name, kind, unit, allowed, "allowed" if field.missing == "allow" else "refused"


def _number_words(field: NumberField) -> tuple[str, str, str]:
    units = ", ".join([field.unit, *(conversion.unit for conversion in field.conversions)])
    kind = "whole number" if field.whole else "number"
    return kind, units, f"{field.minimum:g} to {field.maximum:g}"


def _category_words(field: CategoryField) -> tuple[str, str, str]:
    shown = [str(category) for category in field.categories[:MOST_CATEGORIES]]
    if more := len(field.categories) - len(shown):
        shown.append(f"and {more} more")
    if field.unknown == "allow":
        shown.append("others are let through")
    return "category", "", ", ".join(shown)


def output_rows(output: AnyOutput) -> list[tuple[str, str]]:
    """Return what the model's answer is, as names and values."""
    if output.kind == "number":
        return [("quantity", f"{output.name} in {output.unit}")]
    if output.kind == "segmentation":
        return segmentation_rows(output)
    rows = [
        (
            "classes",
            ", ".join(
                f"{one.label} ({english(one.shown)})" if one.shown else one.label
                for one in output.classes
            ),
        )
    ]
    if output.kind == "binary":
        threshold = output.threshold
        rows += [
            ("positive", output.positive),
            ("threshold", f"{threshold.value:g}: {english(threshold.meaning)}"),
            ("calibration", output.calibration.kind if output.calibration else "none"),
        ]
    return rows


def _lineage_rows(lineage: Lineage) -> list[tuple[str, str]]:
    difference = lineage.difference
    return [
        ("trained by", f"{lineage.trained_by}, {lineage.trained_at}"),
        ("frozen", f"{lineage.frozen_at} with {lineage.frozen_with}"),
        ("code", lineage.code),
        ("algorithm", lineage.algorithm),
        ("parameters", parameters_in_words(lineage.parameters)),
        ("seed", "" if lineage.seed is None else str(lineage.seed)),
        *(("data", data_words(data)) for data in lineage.data),
        ("split", lineage.split),
        ("replaces", lineage.parent or ""),
        (
            "native against frozen",
            f"largest difference {difference.largest:.2g} on {difference.rows} rows "
            f"(tolerance {difference.tolerance:g}); no label differs",
        ),
        (
            "golden cases",
            "some are real rows" if lineage.golden_from_real_rows else "synthesised or perturbed",
        ),
    ]


def data_words(data: DataSet) -> str:
    """Return one data set in one line."""
    return (
        f"{data.name}, {data.rows} rows, {data.digest[:19]}…, {data.licence}; "
        f"consent: {data.consent_basis}; from {data.origin}"
    )


def _tell_evaluation(page: Page, evaluation: Evaluation) -> None:
    page.line(f"  on {data_words(evaluation.data)}")
    tell_metrics(page, evaluation.metrics)
    if notes := english(evaluation.notes):
        page.line(f"  {notes}")


def tell_metrics(page: Page, metrics: tuple[Metric, ...]) -> None:
    """Write metrics as a table, each with its interval and the method of both."""
    rows = [
        (
            metric.name,
            metric.subgroup or "all",
            f"{metric.value:.3f}",
            f"{metric.lower:.3f} to {metric.upper:.3f}",
            f"{metric.confidence:.0%}",
            str(metric.n),
            metric.method,
        )
        for metric in metrics
    ]
    page.table(("metric", "group", "value", "interval", "confidence", "n", "method"), rows)


def _condition_rows(manifest: Manifest) -> list[tuple[str, str]]:
    conditions = manifest.conditions
    return [
        ("runtime", f"ONNX Runtime {conditions.runtime}"),
        ("processor", conditions.processor),
        ("optimisation", conditions.graph_optimisation),
        ("threads", str(conditions.threads)),
        *_model_rows(manifest.model),
        ("verified with", ", ".join(f"{k} {v}" for k, v in conditions.verified_with.items())),
    ]


def _model_rows(model: AnyModel) -> list[tuple[str, str]]:
    from bedside.package.antspynet import AntspynetModel
    from bedside.package.image_operations import told_shape
    from bedside.package.networks import ImageModel
    from bedside.package.volume_models import VolumeModel

    if isinstance(model, AntspynetModel):
        return library_rows(model)
    if isinstance(model, VolumeModel):
        return network_rows(model)
    takes = told_shape(model.shape) if isinstance(model, ImageModel) else f"{model.width} columns"
    return [
        ("model", f"{model.format}, {model.element}, {takes}"),
        ("operator sets", ", ".join(f"{name} {version}" for name, version in model.opset.items())),
    ]
