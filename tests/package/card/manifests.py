"""One manifest of every kind that a card, or a bill of materials, must be able to tell."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bedside.package.explanation import (
    Contributions,
    Occlusion,
    contribution_passes,
    occlusion_passes,
)
from bedside.package.fields import CategoryField, NumberField, TabularInput, Text
from bedside.package.image_operations import (
    CropCentre,
    CropSquare,
    FixedWindow,
    FullRange,
    Greyscale,
    HeaderWindow,
    Normalise,
    PadSquare,
    PercentileWindow,
    RepeatChannel,
    Resize,
    ResizeShorter,
)
from bedside.package.images import LIKENESS_SIDE, ImageInput, Likeness, SideRange
from bedside.package.manifest import Evaluation, Manifest, Metric
from bedside.package.networks import ImageModel
from bedside.package.operations import (
    Concatenate,
    Impute,
    OneHot,
    Ordinal,
    Rescale,
    SelectNumbers,
    Standardise,
    TakeColumns,
)
from bedside.package.outputs import (
    BinaryOutput,
    IsotonicCalibration,
    MulticlassOutput,
    NumberOutput,
    OutputClass,
    PlattCalibration,
    Threshold,
)
from tests.package import building
from tests.package.card.volume_manifests import volume_manifests

SIDES = SideRange(minimum=32, maximum=512)
BOTH: Text = {"en": "opacity", "ja": "陰影"}
NAMES: Text = {"en": "Words", "ja": "言葉"}


def metric(name: str, value: float, subgroup: str | None = None, **changes: Any) -> Metric:
    parts: dict[str, Any] = {
        "name": name,
        "value": value,
        "lower": value - 0.05,
        "upper": value + 0.05,
        "confidence": 0.95,
        "method": "Wilson score",
        "subgroup": subgroup,
        "n": 120,
    }
    return Metric(**{**parts, **changes})


def evaluation(*metrics: Metric) -> Evaluation:
    data = building.data_set().model_copy(
        update={"name": "test rows", "digest": "sha256:" + "1" * 64}
    )
    return Evaluation(data=data, metrics=metrics, notes=NAMES)


def tabular(**changes: Any) -> Manifest:
    return building.Recipe(changes=changes).manifest()


def every_table_operation() -> Manifest:
    fields = TabularInput(
        fields=(
            NumberField(
                name="x", unit="1", minimum=0.5, maximum=2.0, missing="allow", description=NAMES
            ),
            CategoryField(
                name="c", categories=tuple("abcdefghijklmno"), unknown="allow", description=NAMES
            ),
        )
    )
    operations = (
        SelectNumbers(fields=("x",), output="n"),
        Impute(input="n", values=(1.0,), output="i"),
        Impute(input="i", values=(1.0,), indicators=(0,), output="j"),
        Standardise(input="j", centre=(0.0, 0.0), scale=(1.0, 1.0), output="s"),
        Rescale(input="s", factor=(1.0, 1.0), offset=(0.0, 0.0), output="r"),
        Rescale(input="r", factor=(1.0, 1.0), offset=(0.0, 0.0), clip=(0.0, 1.5), output="q"),
        TakeColumns(input="q", columns=(0,), output="t"),
        OneHot(fields=("c",), categories=(("a", "b"),), drop=(-1,), fill=(None,), output="o"),
        Ordinal(
            fields=("c",),
            categories=(("a", "b"),),
            unknown=(None,),
            missing=(None,),
            fill=(None,),
            output="p",
        ),
        Concatenate(inputs=("t", "o", "p"), output="all"),
    )
    output = BinaryOutput(
        classes=(OutputClass(label="clear"), OutputClass(label="opacity", shown=BOTH)),
        positive="opacity",
        calibration=IsotonicCalibration(x=(0.0, 1.0), y=(0.0, 1.0)),
        threshold=Threshold(value=0.62, meaning=NAMES),
    )
    explanation = Contributions(
        method="sampled-shapley",
        scale="probability",
        reference={"x": 1.0, "c": "a"},
        permutations=200,
        passes=contribution_passes("sampled-shapley", 2, 200),
    )
    return tabular(
        input=fields,
        preprocessing=operations,
        postprocessing=output,
        explanation=explanation,
        evaluation=evaluation(metric("AUROC", 0.9), metric("sensitivity", 0.8, "women")),
        claim_level="research",
    )


def number() -> Manifest:
    return tabular(
        postprocessing=NumberOutput(name="eGFR", unit="mL/min"),
        explanation=Contributions(
            method="linear",
            scale="value",
            reference={"radius": 14.0, "sex": None, "age": 50},
            passes=contribution_passes("linear", 3, 0),
        ),
        evaluation=evaluation(metric("mean absolute error", 4.2)),
        claim_level="cleared",
    )


def multiclass() -> Manifest:
    classes = tuple(OutputClass(label=label) for label in ("a", "b", "c"))
    return tabular(postprocessing=MulticlassOutput(classes=classes), claim_level="investigational")


def image(operations: tuple[Any, ...], **changes: Any) -> Manifest:
    declared = ImageInput(
        media=("png", "jpeg", "dicom"), modalities=("CR", "DX"), rows=SIDES, columns=SIDES
    )
    model = ImageModel(
        entry="model.onnx",
        opset={"ai.onnx": 18},
        input="x",
        element="float32",
        output="probabilities",
        shape=(1, 32, 32),
    )
    output = BinaryOutput(
        classes=(OutputClass(label="clear"), OutputClass(label="opacity", shown=BOTH)),
        positive="opacity",
        calibration=PlattCalibration(slope=-1.0, intercept=0.0),
        threshold=Threshold(value=0.62, meaning=NAMES),
    )
    passes = occlusion_passes(8, 4, 32, 32)
    occlusion = Occlusion(patch=8, stride=4, scale="logit", passes=passes)
    parts = {"input": declared, "preprocessing": operations, "model": model}
    return tabular(**{**parts, "postprocessing": output, "explanation": occlusion, **changes})


def likeness(**changes: Any) -> Likeness:
    half = LIKENESS_SIDE**2 // 2
    parts: dict[str, Any] = {
        "reference": (1.0,) * half + (-1.0,) * half,
        "pictures": 40,
        "minimum": 0.5,
    }
    return Likeness(**{**parts, **changes})


def images() -> dict[str, Manifest]:
    refusing = ImageInput(
        media=("dicom",),
        modalities=("CR",),
        body_parts=("CHEST",),
        views=("PA",),
        unstated="flag",
        rows=SideRange(minimum=64, maximum=64),
        columns=SIDES,
        likeness=likeness(polarity="by-likeness"),
    )
    colour = ImageInput(
        media=("jpeg",),
        modalities=("XC",),
        unstated="allow",
        pixels="colour",
        rows=SIDES,
        columns=SIDES,
        likeness=likeness(otherwise="flag"),
    )
    resize = Resize(rows=32, columns=32, filter="bilinear")
    normal = Normalise(mean=(0.5,), deviation=(0.25,))
    return {
        "film": image((HeaderWindow(), CropSquare(), resize, normal), input=refusing),
        "windowed": image((FixedWindow(centre=40.0, width=400.0), PadSquare(), resize)),
        "percentiles": image((PercentileWindow(low=1.0, high=99.0), resize, RepeatChannel())),
        "colour": image(
            (
                FullRange(),
                ResizeShorter(side=40, filter="box"),
                CropCentre(rows=32, columns=32),
                Greyscale(),
            ),
            input=colour,
        ),
    }


def _every_kind() -> dict[str, Manifest]:
    return {
        "tabular": tabular(),
        "operations": every_table_operation(),
        "number": number(),
        "multiclass": multiclass(),
        **images(),
        **volume_manifests(),
    }


KINDS: Mapping[str, Manifest] = MappingProxyType(_every_kind())
"""Every kind of manifest, by a name for the test."""
