from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.package.fields import Text
from bedside.package.manifest import Manifest
from bedside.package.outputs import (
    BinaryOutput,
    MulticlassOutput,
    NumberOutput,
    Output,
    OutputClass,
    Threshold,
)
from bedside.serving.sentence import percent, told
from tests.package.building import Recipe

PNEUMONIA = BinaryOutput(
    classes=(
        OutputClass(label="none"),
        OutputClass(label="p", shown={"en": "pneumonia", "ja": "肺炎"}),
    ),
    positive="p",
    threshold=Threshold(value=0.62, meaning={"en": "chosen"}),
)


@dataclass(frozen=True)
class Said:
    label: str | None
    scores: dict[str, float]


def manifest_with(output: Output) -> Manifest:
    return Recipe().manifest().model_copy(update={"postprocessing": output})


def binary(score: float) -> Text:
    label = "p" if score >= 0.62 else "none"
    said = Said(label, {"none": 1 - score, "p": score})
    return told(manifest_with(PNEUMONIA), said)


def test_a_positive_answer_is_told_with_its_threshold() -> None:
    assert binary(0.98) == {
        "en": "pneumonia: 98 %, above the threshold of 62 %",
        "ja": "肺炎: 98 %、しきい値 62 % 以上",
    }


def test_a_negative_answer_is_told_with_the_same_probability() -> None:
    assert binary(0.12) == {
        "en": "pneumonia: 12 %, below the threshold of 62 %",
        "ja": "肺炎: 12 %、しきい値 62 % 未満",
    }


def test_at_the_threshold_is_not_above_it() -> None:
    assert binary(0.62) == {
        "en": "pneumonia: 62 %, at the threshold of 62 %",
        "ja": "肺炎: 62 %、しきい値 62 % 以上",
    }


def test_the_most_probable_of_several_is_told_as_such() -> None:
    classes = tuple(OutputClass(label=label, shown={"ja": label * 2}) for label in "abc")
    said = Said("b", {"a": 0.2, "b": 0.71, "c": 0.09})
    assert told(manifest_with(MulticlassOutput(classes=classes)), said) == {
        "en": "b: 71 %, the most probable of 3 classes",
        "ja": "bb: 71 %、3 分類のうち最も確率が高い",
    }


@pytest.mark.parametrize(("unit", "words"), [("mg", "dose: 12.35 mg"), ("1", "dose: 12.35")])
def test_a_quantity_is_told_with_its_unit(unit: str, words: str) -> None:
    said = Said(None, {"dose": 12.3456})
    assert told(manifest_with(NumberOutput(name="dose", unit=unit)), said)["en"] == words


@pytest.mark.parametrize(
    ("probability", "threshold", "words"),
    [
        (0.6196, 0.62, "61.96 %"),
        (0.6204, 0.62, "62.04 %"),
        (0.6256, 0.6258, "62.56 %"),
        (0.625, 0.625, "62.5 %"),
        (0.07, 0.07, "7 %"),
        (0.996, 0.5, "99.6 %"),
        (0.9999, 0.5, "> 99.9 %"),
        (0.0001, 0.5, "< 0.1 %"),
        (0.0001, 0.0002, "0.01 %"),
        (0.004, None, "0.4 %"),
        (0.0, 0.5, "0 %"),
        (1.0, 0.5, "100 %"),
    ],
)
def test_rounding_contradicts_nobody(
    probability: float, threshold: float | None, words: str
) -> None:
    assert percent(probability, threshold) == words


@given(
    st.floats(0, 1),
    st.integers(1, 999).map(lambda number: number / 1000),
)
def test_what_is_shown_lies_on_its_side_of_the_threshold(
    probability: float, threshold: float
) -> None:
    text = percent(probability, threshold).rstrip(" %")
    bound = {"<": -1e-9, ">": 1e-9}.get(text[0], 0.0)
    line = float(f"{100 * threshold:.6g}")
    above = float(text.lstrip("<> ")) + bound >= line
    assert above == (probability >= threshold) or abs(probability - threshold) < 1e-12
