from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bedside.package.volumes import MillimetreRange, VolumeLikeness, VoxelRange
from tests.package.card.volume_manifests import volume_input, volume_likeness


def test_a_range_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"minimum 4.0 mm is above maximum 1.0 mm"):
        MillimetreRange(minimum=4.0, maximum=1.0)
    with pytest.raises(ValidationError, match="minimum 20 is above maximum 10"):
        VoxelRange(minimum=20, maximum=10)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"media": ()}, "media"),
        ({"media": ("nifti", "nifti")}, "names one value twice"),
        ({"modalities": ("magnetic",)}, "modalities"),
        ({"body_parts": ("HEAD", "HEAD")}, "names one value twice"),
        ({"most_voxels": 2**26 + 1}, "most_voxels"),
        ({"most_anisotropic": 0.5}, "most_anisotropic"),
        ({"unstated": "guess"}, "unstated"),
        ({"intensity": {"least_continuity": 1.0}}, "least_continuity"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        volume_input(**changes)


class TestLikeness:
    def test_is_of_five_volumes_at_least(self) -> None:
        with pytest.raises(ValidationError, match="volumes"):
            volume_likeness(volumes=4)

    def test_has_references_of_its_side(self) -> None:
        with pytest.raises(ValidationError, match="64 numbers; with side 5 it must have 125"):
            volume_likeness(side=5)

    def test_has_standardised_references(self) -> None:
        with pytest.raises(ValidationError, match=r"mean 0.5 and variance"):
            volume_likeness(references=((1.0, 0.0) * 32,))

    def test_is_kept_through_json(self) -> None:
        likeness = volume_likeness()
        assert VolumeLikeness.model_validate_json(likeness.model_dump_json()) == likeness
        assert "refuse_below" not in likeness.model_dump()  # packages from before keep their digest

    @pytest.mark.parametrize(
        "changes", [{"refuse_below": 0.3}, {"otherwise": "flag", "refuse_below": 0.5}]
    )
    def test_refuses_below_a_second_limit_only_what_it_would_flag(
        self, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(ValidationError, match="for what is flagged, and below the minimum"):
            volume_likeness(**changes)
        assert volume_likeness(otherwise="flag", refuse_below=0.3).refuse_below == 0.3
