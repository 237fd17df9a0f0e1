from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bedside.package.predicted_overlap import OverlapTerm
from bedside.package.segmentation import SegmentationOutput
from tests.package.card.volume_manifests import BACKGROUND, GREY, WHITE
from tests.package.overlaps import ERROR, declared
from tests.package.test_segmentation import output


def test_an_output_that_predicts_nothing_is_spelled_as_before() -> None:
    assert "predicted_overlap" not in output().model_dump_json()


def test_an_output_that_predicts_is_read_as_it_was_written() -> None:
    made = output(predicted_overlap=declared())
    assert SegmentationOutput.model_validate_json(made.model_dump_json()) == made


def test_overlaps_are_predicted_of_two_classes_alone() -> None:
    three: dict[str, Any] = {
        "classes": (BACKGROUND, GREY, WHITE),
        "activation": "softmax",
        "channels": 3,
        "threshold": None,
    }
    with pytest.raises(ValidationError, match="predicted of two classes, not of 3"):
        output(**three, predicted_overlap=declared())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"terms": (ERROR, ERROR)}, "a doubt stands twice"),
        ({"terms": ()}, "at least 1 item"),
        ({"flag_below": 1.0}, "less than 1"),
        ({"intercept": float("nan")}, "finite number"),
    ],
    ids=["twice", "none", "flags-all", "no-number"],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        declared(**changes)


def test_no_doubt_speaks_for_a_mask() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        OverlapTerm(doubt="blunt", scale=0.1, weight=-0.5)
