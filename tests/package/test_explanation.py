from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import PackageDamaged
from bedside.package.explanation import (
    MAX_PASSES,
    Contributions,
    Explanation,
    Occlusion,
    check_explanation,
    check_passes,
    contribution_passes,
    occlusion_passes,
    places,
)
from bedside.package.fields import TabularInput
from bedside.package.images import ImageInput, SideRange
from bedside.package.outputs import NumberOutput
from tests.package.building import BINARY, FIELDS

REFERENCE: dict[str, Json] = {"radius": 13.37, "sex": "female", "age": 48}
VALUE = NumberOutput(name="dose", unit="mg")
SIDES = SideRange(minimum=64, maximum=4096)
FILM = ImageInput(media=("png",), modalities=("DX",), rows=SIDES, columns=SIDES)


def contributions(**changes: Any) -> Contributions:
    parts: dict[str, Any] = {
        "method": "linear",
        "scale": "logit",
        "reference": REFERENCE,
        "permutations": 4,
        "passes": 13,
    }
    return Contributions(**parts | changes)


def occlusion(**changes: Any) -> Occlusion:
    parts: dict[str, Any] = {"patch": 32, "stride": 16, "scale": "logit", "passes": 170}
    return Occlusion(**parts | changes)


@pytest.mark.parametrize(
    "explanation",
    [contributions(), contributions(reference=REFERENCE | {"sex": None}), occlusion(fill=0.5)],
)
def test_an_explanation_comes_back_from_the_manifests_json(explanation: Explanation) -> None:
    text = canonical_bytes(explanation.model_dump(mode="json"))
    adapter: TypeAdapter[Explanation] = TypeAdapter(Explanation)
    again = adapter.validate_python(read_json(text))
    assert again == explanation
    assert canonical_bytes(again.model_dump(mode="json")) == text


def test_an_explanation_of_the_declared_input_and_output_is_accepted() -> None:
    check_explanation(contributions(), FIELDS, BINARY)
    check_explanation(occlusion(), FILM, BINARY)
    value = contributions(scale="value", permutations=0, passes=5)
    check_explanation(value, FIELDS, VALUE)


@pytest.mark.parametrize(
    ("explanation", "declared", "why"),
    [
        (contributions(), FILM, "input is image, and the explanation is 'contributions'"),
        (occlusion(), FIELDS, "input is tabular, and the explanation is 'occlusion'"),
        (
            contributions(scale="value", permutations=0, passes=5),
            FIELDS,
            "output is binary, and the explanation is on the scale 'value'",
        ),
    ],
)
def test_an_explanation_of_something_else_is_refused(
    explanation: Explanation, declared: TabularInput | ImageInput, why: str
) -> None:
    with pytest.raises(PackageDamaged, match=why):
        check_explanation(explanation, declared, BINARY)


def test_a_probability_of_a_number_is_refused() -> None:
    with pytest.raises(PackageDamaged, match=r"output is number, .* scale 'logit'"):
        check_explanation(contributions(), FIELDS, VALUE)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"radius": 5.99}, "5.99 for 'radius'"),
        ({"radius": None}, "None for 'radius'"),
        ({"radius": "13"}, "'13' for 'radius'"),
        ({"age": 48.5}, "48.5 for 'age'"),
        ({"sex": "FEMALE"}, "'FEMALE' for 'sex'"),
        ({"sex": 1}, "1 for 'sex'"),
        ({"height": 170}, r"other fields than the input declares: \['height'\]"),
    ],
)
def test_a_reference_outside_the_domain_is_refused(change: dict[str, Json], why: str) -> None:
    reference = REFERENCE | change
    passes = contribution_passes("linear", len(reference), 4)
    explanation = contributions(reference=reference, passes=passes)
    with pytest.raises(PackageDamaged, match=why):
        check_explanation(explanation, FIELDS, BINARY)


def test_a_reference_without_one_of_the_fields_is_refused() -> None:
    explanation = contributions(reference={"radius": 13.37, "sex": "male"}, passes=8)
    with pytest.raises(PackageDamaged, match=r"\['age'\]"):
        check_explanation(explanation, FIELDS, BINARY)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"passes": 12}, "declares 12 passes, and takes 13"),
        ({"permutations": 5, "passes": 15}, "even number from 4"),
        ({"permutations": 2, "passes": 9}, "even number from 4"),
        ({"scale": "value"}, "linear on value takes 0 permutations"),
        ({"method": "sampled-shapley", "permutations": 0, "passes": 2}, "even number from 4"),
        ({"permutations": 40_000, "passes": 80_005}, f"less than or equal to {MAX_PASSES}"),
        ({"reference": {"radius": True}}, "reference.radius"),
        ({"reference": {"radius": float("nan")}}, "finite"),
        ({"seed": 2**53}, "less than or equal to"),
        ({"clip": 0.0}, "clip"),
        ({"method": "guess"}, "method"),
        ({"note": "x"}, "Extra inputs"),
    ],
)
def test_contributions_that_cannot_be_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        contributions(**changes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stride": 33}, "never covered"),
        ({"patch": 0}, "patch"),
        ({"fill": 1.5}, "fill"),
        ({"fill": "black"}, "fill"),
        ({"passes": MAX_PASSES + 1}, "passes"),
    ],
)
def test_an_occlusion_that_cannot_be_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        occlusion(**changes)


def test_the_cost_of_an_occlusion_is_that_of_its_places() -> None:
    check_passes(occlusion(), 224, 224)
    with pytest.raises(PackageDamaged, match=r"170 passes; .* takes 196 on 224 × 256"):
        check_passes(occlusion(), 224, 256)


@pytest.mark.parametrize(
    ("side", "patch", "stride", "expected"),
    [
        (8, 4, 4, (0, 4)),
        (9, 4, 4, (0, 4, 5)),
        (8, 8, 3, (0,)),
        (5, 8, 3, (0,)),
        (10, 4, 3, (0, 3, 6)),
    ],
)
def test_a_patch_begins_every_stride_and_at_the_end(
    side: int, patch: int, stride: int, expected: tuple[int, ...]
) -> None:
    assert places(side, patch, stride) == expected


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20))
def test_patches_cover_a_side_wholly_and_each_place_is_taken_once(
    side: int, patch: int, stride: int
) -> None:
    begins = places(side, patch, min(stride, patch))
    covered = {at for begin in begins for at in range(begin, min(begin + patch, side))}
    assert covered == set(range(side))
    assert len(set(begins)) == len(begins)
    assert occlusion_passes(patch, min(stride, patch), side, side) == len(begins) ** 2 + 1
