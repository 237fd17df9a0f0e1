from __future__ import annotations

import base64
import hashlib

import numpy as np
import pytest

from bedside.canonical import canonical_bytes
from bedside.runtime.explained import FieldsExplained, PictureExplained
from bedside.serving.explanations import MAX_KEPT, explanation_kept, explanation_told


def of_fields(contributions: dict[str, float]) -> FieldsExplained:
    return FieldsExplained(
        contributions=contributions,
        errors=dict.fromkeys(contributions, 0.0) | {"age": 0.5},
        base=-1.0,
        total=-1.0 + sum(contributions.values()),
        scale="logit",
        of="malignant",
        passes=12,
    )


def of_picture(side: int) -> PictureExplained:
    grid = np.linspace(0, 1, side * side).reshape(side, side)
    return PictureExplained(grid, b"\x89PNG...", 0.9, "probability", "opacity", 17)


def test_the_largest_contribution_comes_first_whatever_its_sign() -> None:
    told = explanation_told(of_fields({"sex": 0.5, "age": -2.0, "b": 0.25, "a": 0.25}))
    assert [one["field"] for one in told["contributions"]] == ["age", "sex", "a", "b"]
    assert told["contributions"][0] == {"field": "age", "contribution": -2.0, "error": 0.5}
    assert (told["base"], told["total"], told["scale"]) == (-1.0, -2.0, "logit")


def test_a_picture_is_told_in_base64() -> None:
    told = explanation_told(of_picture(4))
    assert base64.b64decode(told["data"]) == b"\x89PNG..."
    assert told["media_type"] == "image/png"


@pytest.mark.parametrize(("side", "told"), [(32, True), (33, False)])
def test_a_coarse_grid_is_told_as_numbers_and_a_fine_one_as_a_picture_alone(
    side: int, told: bool
) -> None:
    assert ("grid" in explanation_told(of_picture(side))) is told


def test_the_ledger_keeps_contributions_whole_and_of_a_picture_the_digest() -> None:
    fields = of_fields({"age": 1.0, "sex": 2.0})
    assert explanation_kept(fields) == explanation_told(fields)
    kept = explanation_kept(of_picture(4))
    digest = "sha256:" + hashlib.sha256(b"\x89PNG...").hexdigest()
    assert kept["png"] == {"digest": digest, "bytes": 7}
    assert not {"data", "grid"} & set(kept)


def test_of_more_contributions_than_an_event_may_hold_the_largest_and_the_digest_are_kept() -> None:
    fields = of_fields({f"field {place} of a very wide table": 0.1 for place in range(4000)})
    kept = explanation_kept(fields)
    assert kept["bytes"] > MAX_KEPT
    assert kept["contributions"] == explanation_told(fields)["contributions"][:100]


def test_what_is_kept_of_the_widest_explanation_fits_into_an_event() -> None:
    fields = of_fields({f"{place:04}" + "病" * 196: 1e-300 * place for place in range(4000)})
    kept = explanation_kept(fields)
    assert kept["contributions"][0]["field"].startswith("3999")
    assert len(canonical_bytes(kept)) < MAX_KEPT
