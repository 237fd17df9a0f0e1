from __future__ import annotations

import pytest

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.freezing.spec import make_spec
from tests.freezing.building import AGE, answers

THREE = {"kind": "multiclass", "classes": [{"label": name} for name in ("a", "b", "c")]}
NUMBER = {"kind": "number", "name": "dose", "unit": "mg"}
IMAGE: dict[str, Json] = {
    "media": ["png"],
    "modalities": ["DX"],
    "rows": {"minimum": 64, "maximum": 512},
    "columns": {"minimum": 64, "maximum": 512},
}


def refusal(**changes: Json) -> str:
    given = {**answers(AGE), "native_classes": [], **changes}
    with pytest.raises(UsageError) as caught:
        make_spec({name: value for name, value in given.items() if value is not None})
    return str(caught.value)


@pytest.mark.parametrize(
    ("network", "output", "words"),
    [
        ({"gives": "logits"}, NUMBER, "the output is of kind number, and the network gives logits"),
        (
            {"gives": "number"},
            THREE,
            "the output is of kind multiclass, and the network gives numb",
        ),
        ({"gives": "logit"}, THREE, "one column is no answer for the 3 classes"),
        ({"gives": "logits", "column": 1}, THREE, "one column is no answer for the 3 classes"),
        ({"gives": "logits", "columns": [0, 1]}, THREE, "2 columns are stated for 3 classes"),
        ({"gives": "logits", "columns": [0, 1, 1]}, THREE, "a column stands twice in [0, 1, 1]"),
        ({"gives": "logit", "columns": [0, 1]}, THREE, "for one column a class, not for logit"),
        ({"gives": "logits", "columns": [0, 1], "column": 1}, THREE, "or `columns`, not both"),
        ({"gives": "maybe"}, THREE, "network.gives is 'maybe'"),
        ({}, THREE, "network.gives is missing (probabilities, probability, logits, logit or numb"),
    ],
)
def test_a_network_that_cannot_give_the_output_is_told(
    network: Json, output: Json, words: str
) -> None:
    assert words in refusal(network=network, output=output)


def test_a_spec_declares_fields_or_pictures_and_not_both() -> None:
    assert "it declares both `fields` and `image`" in refusal(image=IMAGE)
    assert "fields is missing (every input field with its unit" in refusal(fields=None)


def test_operations_are_those_of_the_declared_kind_of_input() -> None:
    window = [{"op": "full_range"}]
    assert "the operation 'full_range' works on pictures" in refusal(preprocessing=window)
    numbers = [{"op": "select_numbers", "fields": ["age"], "output": "n"}]
    message = refusal(fields=None, image=IMAGE, preprocessing=numbers)
    assert "the operation 'select_numbers' works on tables" in message


def test_an_explanation_is_that_of_its_input() -> None:
    assert "pictures the kind occlusion" in refusal(explanation={"kind": "occlusion"})
    explained = {"kind": "contributions"}
    assert "pictures the kind occlusion" in refusal(fields=None, image=IMAGE, explanation=explained)


def test_a_likeness_is_stated_whole_or_measured() -> None:
    half = {**IMAGE, "likeness": {"minimum": 0.5, "pictures": 20}}
    assert "state `reference` and `pictures` together" in refusal(fields=None, image=half)
    bare = {**IMAGE, "likeness": {}}
    assert "image.likeness.minimum is missing (the smallest corr" in refusal(
        fields=None, image=bare
    )
