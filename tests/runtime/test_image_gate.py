"""The gate of a picture: every reason by its code, and nothing guessed."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bedside.canonical import Json
from bedside.imaging.likeness import thumbnail
from bedside.package.image_operations import FullRange, HeaderWindow, Windowing
from bedside.package.images import ImageInput, Intensity, Likeness, SideRange
from bedside.runtime.gate import Refusals
from bedside.runtime.image_gate import Film, ImageGate
from tests.package.building_images import BRIGHT, INPUT, ROW, STATED, dicom, film, png, row


def declared(**changes: Any) -> ImageInput:
    return INPUT.model_copy(update=changes)


def check(sent: Json, domain: ImageInput = INPUT) -> tuple[Film | None, list[tuple[str, str]]]:
    refusals = Refusals()
    found = ImageGate(domain, FullRange()).check(sent, 0, refusals)
    assert (found is None) is bool(refusals.found)
    return found, [(one.field, one.code) for one in refusals.found]


def reasons(sent: Json, domain: ImageInput = INPUT) -> list[tuple[str, str]]:
    return check(sent, domain)[1]


def accepted(sent: Json, domain: ImageInput = INPUT) -> Film:
    found, why = check(sent, domain)
    assert found is not None, why
    return found


def likeness(**changes: Any) -> Likeness:
    reference = thumbnail(film(170.0).astype(np.float32) / np.float32(255))
    parts: dict[str, Any] = {"pictures": 5, "minimum": 0.6, **changes}
    return Likeness(reference=tuple(reference.tolist()), **parts)


class TestWhatIsSent:
    def test_is_a_picture_in_base64(self) -> None:
        found = accepted(ROW)
        np.testing.assert_allclose(found.unit, film(170.0) / 255, atol=1e-6)
        assert found.flags == ()

    @pytest.mark.parametrize(
        ("sent", "why"),
        [
            (None, ("", "wrong-type")),
            ([], ("", "wrong-type")),
            ({}, ("image", "missing")),
            ({"image": None}, ("image", "missing")),
            ({"image": 7}, ("image", "wrong-type")),
            ({"image": "not base64!"}, ("image", "wrong-type")),
            ({"image": "AAAA"}, ("image", "not-a-picture")),
            ({"image": ""}, ("image", "not-a-picture")),
            ({"image": "é"}, ("image", "wrong-type")),
        ],
    )
    def test_is_refused_when_it_is_none(self, sent: Json, why: tuple[str, str]) -> None:
        assert reasons(sent) == [why]

    def test_may_not_hold_anything_else(self) -> None:
        assert reasons({**ROW, "patient": "x"}) == [("patient", "unknown-field")]

    def test_is_of_a_declared_medium(self) -> None:
        assert reasons(ROW, declared(media=("dicom",))) == [("image", "out-of-domain")]

    def test_is_refused_with_every_reason_at_once(self) -> None:
        small = png(film(170.0, side=16))
        sent = row(small, modality="CT", body_part="HEAD", more=1)
        assert reasons(sent) == [
            ("more", "unknown-field"),
            ("modality", "out-of-domain"),
            ("body_part", "out-of-domain"),
            ("image", "out-of-range"),
            ("image", "out-of-range"),
        ]


class TestWhatThePictureIsOf:
    def test_is_said_by_the_header(self) -> None:
        found = accepted(row(dicom(film(170.0))))
        assert (found.facts.modality, found.facts.body_part, found.facts.view) == (
            "DX",
            "CHEST",
            "PA",
        )

    def test_is_said_by_the_sender_where_the_file_is_silent(self) -> None:
        found = accepted(ROW)
        assert (found.facts.modality, found.facts.body_part) == ("DX", "CHEST")

    def test_is_outside_of_the_domain(self) -> None:
        tibia = row(dicom(film(170.0), BodyPartExamined="EXTREMITY"))
        assert reasons(tibia) == [("body_part", "out-of-domain")]

    def test_is_not_believed_where_sender_and_header_differ(self) -> None:
        sent = row(dicom(film(170.0)), body_part="HEAD")
        assert reasons(sent) == [("body_part", "contradiction")]

    @pytest.mark.parametrize(
        "stated", [3, "pa", "A" * 17, "PA\n  shown  clear", "\ud800", "", "x" * 200_000, ["PA"]]
    )
    def test_is_stated_as_a_code_even_where_any_is_allowed(self, stated: Json) -> None:
        assert reasons(row(BRIGHT, **{**STATED, "view": stated})) == [("view", "wrong-type")]

    def test_is_left_out_where_the_header_holds_any_text_in_its_place(self) -> None:
        whole = dicom(film(170.0), ViewPosition="SOME_VIEW_HERE")
        odd = row(whole.replace(b"SOME_VIEW_HERE", b"PA/LL SEE-NOTE"))
        assert accepted(odd).facts.view is None

    def test_is_refused_flagged_or_allowed_where_nobody_says_it(self) -> None:
        sent = row(BRIGHT)
        assert reasons(sent, declared(unstated="refuse")) == [
            ("modality", "unstated"),
            ("body_part", "unstated"),
        ]
        flags = accepted(sent, declared(unstated="flag")).flags
        assert [flag.code for flag in flags] == ["modality-unstated", "body-part-unstated"]
        assert accepted(sent, declared(unstated="allow")).flags == ()

    def test_may_be_anything_where_the_list_is_empty(self) -> None:
        assert accepted(row(dicom(film(170.0), ViewPosition="LL"))).flags == ()
        only_pa = declared(views=("PA",))
        assert reasons(row(dicom(film(170.0), ViewPosition="LL")), only_pa) == [
            ("view", "out-of-domain")
        ]


class TestHowThePictureLooks:
    def test_its_sides_are_in_their_ranges(self) -> None:
        narrow = declared(rows=SideRange(minimum=65, maximum=512))
        assert reasons(ROW, narrow) == [("image", "out-of-range")]

    def test_a_larger_one_is_refused_before_it_is_decoded(self) -> None:
        side = SideRange(minimum=1, maximum=63)
        assert reasons(ROW, declared(rows=side, columns=side)) == [("image", "too-large")]

    def test_its_sides_are_those_of_the_upright_picture(self) -> None:
        domain = declared(
            rows=SideRange(minimum=32, maximum=64), columns=SideRange(minimum=32, maximum=128)
        )
        lying = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6  # turn a quarter clockwise to see it upright
        tall = Image.fromarray(film(170.0, side=128)[:, :64])
        tall.save(lying, "JPEG", exif=exif, quality=95)
        found = accepted(row(lying.getvalue(), **STATED), domain)
        assert found.unit.shape == (64, 128)

    @pytest.mark.parametrize("slope", ["1e-30", "1E-37", "1e-40", "1e30", "-1"])
    def test_an_odd_rescale_slope_is_judged_or_refused_and_never_a_crash(self, slope: str) -> None:
        check(row(dicom(film(170.0), RescaleSlope=slope, RescaleIntercept="0")))

    def test_it_is_not_too_elongated(self) -> None:
        strip = row(png(film(170.0, side=128)[:50]), **STATED)
        assert reasons(strip) == [("image", "out-of-range")]
        assert reasons(strip, declared(most_elongated=3.0)) == []

    def test_it_has_no_colour_where_grey_is_declared(self) -> None:
        colour = np.stack([film(170.0), film(90.0), film(60.0)], axis=2)
        assert reasons(row(png(colour), **STATED)) == [("image", "out-of-domain")]
        assert reasons(row(png(colour), **STATED), declared(pixels="colour")) == []
        assert reasons(ROW, declared(pixels="colour")) == [("image", "out-of-domain")]

    @pytest.mark.parametrize(
        "pixels",
        [
            np.zeros((64, 64), dtype=np.uint8),
            np.full((64, 64), 255, dtype=np.uint8),
            np.where(film(170.0) > 100, 200, 10).astype(np.uint8),
        ],
        ids=["black", "white", "two levels"],
    )
    def test_it_shows_grey_values(self, pixels: NDArray[np.uint8]) -> None:
        assert ("image", "out-of-domain") in reasons(row(png(pixels), **STATED))

    def test_it_is_not_mostly_of_one_value(self) -> None:
        pixels = film(170.0)
        pixels[:, :40] = 0
        assert reasons(row(png(pixels), **STATED)) == [("image", "out-of-domain")]
        lenient = declared(intensity=Intensity(levels=32, most_at_one_level=0.9))
        assert reasons(row(png(pixels), **STATED), lenient) == []


class TestLikeness:
    def test_of_the_domain_passes(self) -> None:
        assert accepted(ROW, declared(likeness=likeness())).flags == ()

    def test_of_something_else_is_refused_with_both_numbers(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
        refusals = Refusals()
        gate = ImageGate(declared(likeness=likeness()), FullRange())
        assert gate.check(row(png(noise), **STATED), 0, refusals) is None
        (why,) = refusals.found
        assert why.code == "out-of-domain"
        assert "a likeness of " in why.value
        assert why.allowed == "at least 0.6"

    def test_of_something_else_is_flagged_where_so_declared(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
        domain = declared(likeness=likeness(otherwise="flag"))
        (flag,) = accepted(row(png(noise), **STATED), domain).flags
        assert flag.code == "unlike-the-domain"

    def test_of_a_negative_is_refused_where_the_header_is_believed(self) -> None:
        negative = row(png(255 - film(170.0)), **STATED)
        assert reasons(negative, declared(likeness=likeness())) == [("image", "out-of-domain")]

    def test_of_a_negative_turns_it_over_where_so_declared_and_says_so(self) -> None:
        domain = declared(likeness=likeness(polarity="by-likeness"))
        right = accepted(ROW, domain)
        turned = accepted(row(png(255 - film(170.0)), **STATED), domain)
        np.testing.assert_allclose(turned.unit, right.unit, atol=1e-6)
        assert [flag.code for flag in turned.flags] == ["polarity-overruled"]

    def test_makes_a_monochrome1_twin_the_same_picture(self) -> None:
        domain = declared(likeness=likeness(polarity="by-likeness"))
        one = accepted(row(dicom(film(170.0), PhotometricInterpretation="MONOCHROME1")), domain)
        two = accepted(row(dicom(film(170.0))), domain)
        np.testing.assert_array_equal(one.unit, two.unit)
        assert [flag.code for flag in one.flags] == ["polarity-overruled"]


def test_a_true_monochrome1_film_is_turned_over_by_its_header_alone() -> None:
    negative = row(dicom(255 - film(170.0), PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(accepted(negative).unit, film(170.0) / 255, atol=1e-6)


class TestTheWindowOfTheHeader:
    def test_that_is_missing_is_flagged_and_only_where_it_was_wanted(self) -> None:
        sent = row(dicom(film(170.0)))
        found = gated(sent, HeaderWindow())
        assert [flag.code for flag in found.flags] == ["window-not-applied"]
        assert accepted(sent).flags == ()

    def test_is_never_missed_in_a_png(self) -> None:
        assert gated(ROW, HeaderWindow()).flags == ()

    @pytest.mark.parametrize("function", ["LINEAR", "SIGMOID"])
    def test_that_is_there_is_used(self, function: str) -> None:
        window = {"WindowCenter": "170", "WindowWidth": "100", "VOILUTFunction": function}
        assert gated(row(dicom(film(170.0), **window)), HeaderWindow()).flags == ()

    def test_that_cannot_be_used_is_refused_and_only_where_it_was_wanted(self) -> None:
        window = {"WindowCenter": "170", "WindowWidth": "100", "VOILUTFunction": "LOG"}
        sent = row(dicom(film(170.0), **window))
        refusals = Refusals()
        assert ImageGate(INPUT, HeaderWindow()).check(sent, 0, refusals) is None
        assert [(one.code, "LOG" in one.value) for one in refusals.found] == [("unsupported", True)]
        assert accepted(sent).flags == ()


def gated(sent: Json, windowing: Windowing) -> Film:
    refusals = Refusals()
    found = ImageGate(INPUT, windowing).check(sent, 0, refusals)
    assert found is not None, refusals.found
    return found
