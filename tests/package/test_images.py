import pytest
from pydantic import ValidationError

from bedside.package.images import ImageInput, Likeness, SideRange
from tests.package.building_images import INPUT

CHECKERED = tuple(1.0 if i % 2 else -1.0 for i in range(256))


def test_a_side_range_is_ordered() -> None:
    with pytest.raises(ValidationError, match="minimum 9 is above maximum 8"):
        SideRange(minimum=9, maximum=8)


@pytest.mark.parametrize("name", ["media", "modalities", "body_parts", "views"])
def test_nothing_is_named_twice(name: str) -> None:
    value = "png" if name == "media" else "CR"
    with pytest.raises(ValidationError, match=f"{name} names one value twice"):
        ImageInput(**{**INPUT.model_dump(exclude={"kind"}), name: (value, value)})


@pytest.mark.parametrize("code", ["chest", "", "A" * 17, "CHEST\n", "Ｃ", " CR"])
def test_a_code_string_is_one_of_dicom(code: str) -> None:
    with pytest.raises(ValidationError):
        ImageInput(**{**INPUT.model_dump(exclude={"kind"}), "body_parts": (code,)})


def test_a_reference_is_standardised() -> None:
    Likeness(reference=CHECKERED, pictures=5, minimum=0.4)
    with pytest.raises(ValidationError, match="they must be 0 and 1"):
        Likeness(reference=(2.0, *CHECKERED[1:]), pictures=5, minimum=0.4)


def test_a_mean_of_fewer_than_five_pictures_is_not_kept() -> None:
    with pytest.raises(ValidationError, match="pictures"):
        Likeness(reference=CHECKERED, pictures=4, minimum=0.4)


def test_a_colour_picture_has_no_polarity_to_find() -> None:
    likeness = Likeness(reference=CHECKERED, pictures=5, minimum=0.4, polarity="by-likeness")
    with pytest.raises(ValidationError, match="no polarity to find"):
        ImageInput(
            **{**INPUT.model_dump(exclude={"kind"}), "pixels": "colour", "likeness": likeness}
        )
