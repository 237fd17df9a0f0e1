from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

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
from bedside.serving.sentence import percent, percent_and_threshold, told
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
    if threshold is None:
        assert percent(probability) == words
    else:
        assert percent_and_threshold(probability, threshold)[0] == words


@pytest.mark.parametrize(
    ("probability", "threshold", "words"),
    [
        (0.6999999999999998, 0.7, ("69.99999999999998 %", "70 %")),
        (0.10431978588, 0.10431962452, ("10.432 %", "10.43196 %")),
        (0.98, 0.99999988, ("98 %", "99.99999 %")),
        (1.0, 0.99999988, ("100 %", "99.99999 %")),
        (1e-9, 1e-7, ("0.0000001 %", "0.00001 %")),
    ],
)
def test_of_both_so_many_digits_are_shown_as_put_them_on_their_sides(
    probability: float, threshold: float, words: tuple[str, str]
) -> None:
    assert percent_and_threshold(probability, threshold) == words


thresholds = st.floats(0, 1, exclude_min=True) | st.integers(1, 999).map(lambda n: n / 1000)


def neighbours(threshold: float) -> st.SearchStrategy[tuple[float, float]]:
    """Draw what is compared with `threshold`: anything, itself, and what lies next to it."""
    near = [threshold, math.nextafter(threshold, 0), min(1.0, math.nextafter(threshold, 2))]
    near += [min(1.0, threshold * factor) for factor in (1 - 1e-7, 1 + 1e-7, 1 - 1e-4, 1 + 1e-4)]
    return st.tuples(st.floats(0, 1) | st.sampled_from(near), st.just(threshold))


@given(thresholds.flatmap(neighbours))
def test_what_is_shown_lies_on_its_side_of_the_threshold_that_is_shown(
    pair: tuple[float, float],
) -> None:
    probability, threshold = pair
    shown, mark = (text.removesuffix(" %") for text in percent_and_threshold(*pair))
    line, value = Decimal(mark), Decimal(shown.lstrip("<> "))
    if shown.startswith("<"):
        assert probability < threshold
        assert value <= line
    elif shown.startswith(">"):
        assert probability > threshold
        assert value >= line
    else:
        assert (value > line, value == line) == (probability > threshold, probability == threshold)
        assert (value in (0, 100)) == (probability in (0, 1))
    assert (line == 100) == (threshold == 1)
    assert line > 0


@given(st.floats(0, 1))
def test_without_a_threshold_nothing_uncertain_is_told_as_certain(probability: float) -> None:
    assert (percent(probability) in ("0 %", "100 %")) == (probability in (0, 1))
