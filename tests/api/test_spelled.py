from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.api import answers
from bedside.api.spelled import AnswerSpelling
from bedside.package.outputs import (
    BinaryOutput,
    MulticlassOutput,
    NumberOutput,
    Output,
    OutputClass,
    Threshold,
)
from bedside.serving.values import Prediction
from tests.package.building import Recipe

LABELS = ('be"nign %s', "悪性", "c 100 %")
CLASSES = tuple(OutputClass(label=one, shown={"en": f'{one} "shown"'}) for one in LABELS)
THRESHOLD = Threshold(value=0.5, meaning={"en": "as % likely as not", "ja": "半々"})
OUTPUTS: Mapping[str, Output] = {
    "binary": BinaryOutput(classes=(CLASSES[0], CLASSES[1]), positive="悪性", threshold=THRESHOLD),
    "multiclass": MulticlassOutput(classes=CLASSES),
    "number": NumberOutput(name="size %d", unit="mm"),
}
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("kind", OUTPUTS)
@given(
    scores=st.lists(finite, min_size=3, max_size=3),
    place=st.integers(0, 2),
    index=st.integers(0, 2**53),
)
def test_the_body_is_the_one_of_the_long_way(
    kind: str, scores: list[float], place: int, index: int
) -> None:
    output = OUTPUTS[kind]
    names = [output.name] if output.kind == "number" else [one.label for one in output.classes]
    prediction = Prediction(
        id="01933a2f-6c00-7000-8000-000000000000",
        manifest=Recipe(output=output).manifest(),
        package="sha256:" + "0" * 64,
        epoch=1,
        label=None if output.kind == "number" else names[place % len(names)],
        scores=dict(zip(names, scores, strict=False)),
        threshold=0.5 if kind == "binary" else None,
        index=index,
        at="2026-11-21T08:00:00.000000Z",
    )
    spelling = AnswerSpelling()
    long_way = answers.predicted_response([prediction], many=False).body
    assert spelling(prediction) == long_way
    assert spelling(prediction) == long_way  # from the template that is kept now


def test_a_package_whose_texts_look_like_a_hole_is_told_the_long_way() -> None:
    manifest = Recipe(output=OUTPUTS["binary"]).manifest()
    odd = {**manifest.intended_use, "en": "For <bedside hole> alone."}
    prediction = Prediction(
        id="01933a2f-6c00-7000-8000-000000000000",
        manifest=manifest.model_copy(update={"intended_use": odd}),
        package="sha256:" + "0" * 64,
        epoch=1,
        label=LABELS[1],
        scores={LABELS[0]: 0.25, LABELS[1]: 0.75},
        threshold=0.5,
        index=7,
        at="2026-11-21T08:00:00.000000Z",
    )
    long_way = answers.predicted_response([prediction], many=False).body
    assert b"<bedside hole>" in long_way
    assert AnswerSpelling()(prediction) == long_way
