from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from bedside.errors import InputRefused, Refusal, VolumeRefused
from bedside.imaging.measuring.head import head_of
from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume import Volume
from bedside.imaging.volume_likeness import likeness_of, mean_likeness
from bedside.package.volumes import MillimetreRange, VolumeInput, VolumeLikeness
from bedside.runtime.analysis import UNSTATED, Stated
from bedside.runtime.volume_gate import Passed, VolumeGate, refusal_of, volume_limits
from tests.volume_packages import INPUT, MR_HEAD, head


def declared(**changes: Any) -> VolumeInput:
    return INPUT.model_copy(update=changes)


def with_facts(volume: Volume, **changes: Any) -> Volume:
    return Volume(volume.values, volume.affine, dataclasses.replace(volume.facts, **changes))


def with_values(values: Any) -> Volume:
    return Volume(np.asarray(values, dtype=np.float32), np.array(head().affine), head().facts)


def checked(
    volume: Volume | None = None, stated: Stated = MR_HEAD, domain: VolumeInput = INPUT
) -> Passed:
    found = head() if volume is None else volume
    return VolumeGate(domain).check(found, stated)


def refused(
    volume: Volume | None = None, stated: Stated = MR_HEAD, domain: VolumeInput = INPUT
) -> tuple[Refusal, ...]:
    with pytest.raises(InputRefused) as caught:
        checked(volume, stated, domain)
    return caught.value.refusals


def test_a_head_of_the_domain_passes_without_a_flag() -> None:
    passed = checked()
    assert passed.flags == ()
    assert (passed.facts.modality, passed.facts.body_part) == ("MR", "HEAD")
    assert passed.out_of_domain is None


class TestWhatItIs:
    def test_a_header_goes_before_what_is_stated_and_a_contradiction_is_refused(self) -> None:
        (reason,) = refused(with_facts(head(), modality="CT"), Stated("MR", "HEAD"))
        assert (reason.field, reason.code) == ("modality", "contradiction")
        assert reason.value == "'MR', and the header says 'CT'"

    def test_another_modality_is_refused(self) -> None:
        (reason,) = refused(with_facts(head(), modality="CT"), UNSTATED_BUT_HEAD)
        assert (reason.field, reason.code, reason.value) == ("modality", "out-of-domain", "'CT'")

    def test_another_part_of_the_body_is_refused(self) -> None:
        (reason,) = refused(stated=Stated("MR", "KNEE"))
        assert (reason.field, reason.code) == ("body_part", "out-of-domain")

    def test_what_is_no_code_is_refused(self) -> None:
        (reason,) = refused(stated=Stated("magnetic resonance", "HEAD"))
        assert (reason.field, reason.code) == ("modality", "wrong-type")

    def test_what_nobody_says_is_flagged_refused_or_allowed_as_declared(self) -> None:
        codes = [one.code for one in checked(stated=UNSTATED).flags]
        assert codes == ["modality-unstated", "body-part-unstated"]
        reasons = refused(stated=UNSTATED, domain=declared(unstated="refuse"))
        assert [one.code for one in reasons] == ["unstated", "unstated"]
        assert checked(stated=UNSTATED, domain=declared(unstated="allow")).flags == ()

    def test_what_a_header_says_and_is_no_code_is_left_out(self) -> None:
        volume = with_facts(head(), modality="Mr. Smith's MR", body_part="head")
        assert checked(volume).facts.modality == "MR"

    def test_another_kind_of_file_is_refused(self) -> None:
        (reason,) = refused(domain=declared(media=("dicom-series",)))
        assert (reason.code, reason.value) == ("out-of-domain", "nifti")


UNSTATED_BUT_HEAD = Stated(body_part="HEAD")


class TestGeometry:
    def test_too_few_voxels_along_an_axis(self) -> None:
        (reason,) = refused(drawn_head((10, 32, 32), (12.0, 7.0, 7.0)))
        assert reason.value == "10 × 32 × 32 voxels"
        assert reason.allowed == "from 12 to 512 voxels along each axis"

    def test_too_many_voxels_in_all(self) -> None:
        (reason,) = refused(domain=declared(most_voxels=32_767))
        assert reason.allowed == "at most 32767 voxels in all"

    def test_too_wide_a_spacing_is_refused_with_its_ratio(self) -> None:
        volume = drawn_head((64, 64, 15), (1.4, 3.5, 15.0))
        reasons = refused(volume)
        assert [one.code for one in reasons] == ["out-of-range"] * 3
        assert reasons[0].allowed == "from 0.4 to 12 mm along each axis"
        assert reasons[1].allowed == "the widest at most 10 times the narrowest"
        assert reasons[2].value == "90 mm from left to right"

    def test_a_field_of_view_is_judged_along_the_patients_axes(self) -> None:
        tall = drawn_head((32, 32, 32), (7.0, 7.0, 11.0))
        (reason,) = refused(tall)
        assert reason.value == "352 mm from foot to head"
        turned = Volume(
            np.ascontiguousarray(tall.values.transpose(2, 0, 1)),
            tall.affine[:, [2, 0, 1, 3]],
            tall.facts,
        )
        assert refused(turned)[0].value == "352 mm from foot to head"

    def test_rounding_in_an_affine_decides_nothing(self) -> None:
        edge = declared(spacing=MillimetreRange(minimum=7.0000001, maximum=7.4999999))
        assert checked(domain=edge).flags == ()

    def test_a_frame_that_nobody_knows_is_flagged(self) -> None:
        (flag,) = checked(with_facts(head(), frame="unknown")).flags
        assert flag.code == "orientation-unstated"
        assert "the file says where its axes point" in flag.detail
        assert checked(with_facts(head(), frame="template")).flags == ()


class TestValues:
    def test_an_empty_volume_is_refused(self) -> None:
        reasons = refused(with_values(np.zeros((32, 32, 32))))
        assert [one.code for one in reasons] == ["out-of-domain"] * 3
        assert reasons[0].value == "1 different value(s)"

    def test_what_no_scanner_writes_is_refused_before_anything_is_summed(self) -> None:
        (reason,) = refused(with_values(head().values * np.float32(1e33)))
        assert reason.allowed == "at most 1e+30 either way"

    def test_noise_is_refused(self) -> None:
        (reason,) = refused(with_values(np.random.default_rng(0).normal(500, 100, (32, 32, 32))))
        assert "as noise does" in reason.value

    def test_a_label_map_is_refused(self) -> None:
        (reason,) = refused(with_values(head().values > 300))
        assert reason.value == "2 different value(s)"


def likeness(**changes: Any) -> VolumeLikeness:
    own = []
    for seed in range(5):
        volume = head(seed)
        box = head_of(volume.values, volume.affine)
        assert box is not None
        own.append(likeness_of(volume.values, volume.affine, box, 8))
    parts: dict[str, Any] = {
        "side": 8,
        "references": (tuple(mean_likeness(own).tolist()),),
        "volumes": 5,
        "minimum": 0.8,
    }
    return VolumeLikeness(**{**parts, **changes})


def chequered() -> Volume:
    """A smooth pattern of eight lumps, in the place of a head."""
    wave = np.sin(np.linspace(0, 2 * np.pi, 32)) ** 2
    return with_values(900 * wave[:, None, None] * wave[:, None] * wave + head().values / 100)


class TestLikeness:
    def test_a_head_like_the_others_passes_with_its_score(self) -> None:
        passed = checked(head(9), domain=declared(likeness=likeness()))
        assert passed.out_of_domain is not None
        assert 0 <= passed.out_of_domain < 0.1

    def test_what_looks_otherwise_is_refused(self) -> None:
        (reason,) = refused(chequered(), domain=declared(likeness=likeness()))
        assert reason.code == "out-of-domain"
        assert reason.allowed == "at least 0.8"

    def test_the_least_likeness_decides(self) -> None:
        near = checked(head(9), domain=declared(likeness=likeness())).out_of_domain
        assert near is not None
        strict = likeness(minimum=1 - near / 2)
        (reason,) = refused(head(9), domain=declared(likeness=strict))
        assert reason.code == "out-of-domain"

    def test_or_answered_with_a_flag_as_declared(self) -> None:
        passed = checked(chequered(), domain=declared(likeness=likeness(otherwise="flag")))
        assert [one.code for one in passed.flags] == ["unlike-the-domain"]
        assert passed.out_of_domain is not None
        assert passed.out_of_domain > 0.2

    def test_and_what_is_very_unlike_is_refused_where_a_flag_would_be_too_little(self) -> None:
        score = checked(head(9), domain=declared(likeness=likeness())).out_of_domain
        assert score is not None
        parts = {"minimum": 1 - score / 2, "otherwise": "flag", "refuse_below": 0.5}
        domain = declared(likeness=likeness(**parts))
        assert [one.code for one in checked(head(9), domain=domain).flags] == ["unlike-the-domain"]
        (reason,) = refused(chequered(), domain=domain)
        assert reason.allowed == "at least 0.5"


def test_notes_of_the_reader_become_flags() -> None:
    noted = with_facts(head(), notes=(("sform-over-qform", "they differ by 3 mm"),))
    (flag,) = checked(noted).flags
    assert (flag.code, flag.detail) == ("reading-note", "sform-over-qform: they differ by 3 mm")


def test_everything_is_said_at_once() -> None:
    volume = with_facts(drawn_head((10, 32, 32), (11.5, 7.0, 7.0)), modality="CT")
    reasons = refused(volume, Stated(body_part="KNEE"))
    assert {one.field for one in reasons} == {"modality", "body_part", "volume"}


def test_a_reader_is_bound_by_what_is_declared() -> None:
    limits = volume_limits(declared(most_voxels=1_000))
    assert (limits.voxels, limits.side) == (1_000, 512)


def test_a_readers_refusal_becomes_the_gates() -> None:
    found = refusal_of(VolumeRefused("four-dimensional", "It has 30 volumes.", advice="Send one."))
    (reason,) = found.refusals
    assert (reason.field, reason.code) == ("volume", "four-dimensional")
    assert reason.value == "It has 30 volumes. Send one."
