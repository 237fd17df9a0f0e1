from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bedside.imaging.choice import Choice
from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made_volumes import (
    OBLIQUE,
    RIGHT,
    STORED,
    nifti,
    note,
    patched,
    read,
    refused,
    theirs,
)

SHEARED = Choice(sheared=True)


def both(sform: NDArray[np.float64], qform: NDArray[np.float64], codes: tuple[int, int]) -> bytes:
    """A file whose sform and qform say different things."""
    kind: Any = nibabel.Nifti1Image
    image = kind(STORED, sform)
    image.set_sform(sform, codes[0])
    image.set_qform(qform, codes[1])
    image.header.set_xyzt_units("mm")
    data: bytes = image.to_bytes()
    return data


def moved(x: float) -> NDArray[np.float64]:
    affine = RIGHT.copy()
    affine[0, 3] += x
    return affine


class TestWhichOneCounts:
    def test_the_sform_where_both_have_a_code(self) -> None:
        volume = read(both(moved(7), RIGHT, (2, 1)))
        assert np.allclose(volume.affine, moved(7))
        assert "7 mm" in note(volume, "sform-over-qform")
        assert volume.facts.frame == "aligned"

    def test_without_a_word_where_they_agree(self) -> None:
        volume = read(both(moved(0.01), RIGHT, (1, 1)))
        assert not volume.facts.notes

    def test_the_qform_where_it_alone_has_one(self) -> None:
        volume = read(both(moved(7), RIGHT, (0, 1)))
        assert np.allclose(volume.affine, RIGHT, atol=1e-5)
        assert volume.facts.frame == "scanner"

    def test_the_sform_where_it_alone_has_one(self) -> None:
        volume = read(both(moved(7), RIGHT, (4, 0)))
        assert np.allclose(volume.affine, moved(7))
        assert (volume.facts.frame, volume.facts.notes) == ("mni", ())

    def test_says_which_template_where_it_is_another(self) -> None:
        assert read(both(RIGHT, RIGHT, (5, 0))).facts.frame == "template"
        assert read(patched(nifti(), 252, "<2h", 0, 6)).facts.frame == "unknown"

    def test_none_where_neither_has_one(self) -> None:
        problem = refused(both(RIGHT, RIGHT, (0, 0)))
        assert problem.code == "orientation-unknown"
        assert "left and right" in problem.message

    def test_a_negative_code_is_none(self) -> None:
        assert refused(patched(nifti(), 252, "<2h", -1, -2)).code == "orientation-unknown"

    def test_neither_where_one_is_the_other_s_mirror_image(self) -> None:
        mirrored = RIGHT.copy()
        mirrored[:3, 0] *= -1
        problem = refused(both(RIGHT, mirrored, (1, 1)))
        assert problem.code == "orientation-contradicts"
        assert "mirror" in problem.message

    def test_neither_where_a_shear_mirrors_one_and_turns_no_axis_by_45_degrees(self) -> None:
        sheared = np.eye(4)
        sheared[:3, :3] -= 0.4
        problem = refused(both(sheared, np.eye(4), (1, 1)))
        assert problem.code == "orientation-contradicts"
        assert "43°, and one is the mirror image" in problem.message

    def test_neither_where_an_axis_is_turned_round(self) -> None:
        turned = RIGHT.copy()
        turned[:3, :2] *= -1
        problem = refused(both(RIGHT, turned, (1, 1)))
        assert problem.code == "orientation-contradicts"
        assert "180°" in problem.message


class TestTheQuaternion:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.floats(-1, 1), min_size=3, max_size=3),
        st.lists(st.floats(0.1, 5), min_size=3, max_size=3),
        st.sampled_from([-1.0, 1.0, 0.0]),
    )
    def test_means_what_nibabel_reads(
        self, axis: list[float], spacing: list[float], qfac: float
    ) -> None:
        b, c, d = np.array(axis) / max(1.0, float(np.linalg.norm(axis)) * 1.0001)
        data = patched(nifti(), 256, "<6f", b, c, d, 1, 2, 3)
        data = patched(patched(data, 76, "<4f", qfac, *spacing), 252, "<2h", 1, 0)
        expected = theirs(data).affine
        assert np.allclose(read(data).affine, expected, atol=2e-6)

    def test_longer_than_1_is_no_rotation(self) -> None:
        data = patched(patched(nifti(), 252, "<2h", 1, 0), 256, "<3f", 1, 1, 0)
        assert "no rotation" in refused(data).message

    @pytest.mark.parametrize("spacing", [0.0, -2.0])
    def test_needs_spacings(self, spacing: float) -> None:
        data = patched(patched(nifti(), 252, "<2h", 1, 0), 84, "<f", spacing)
        assert refused(data).code == "corrupt"

    @pytest.mark.parametrize(
        ("place", "values"),
        [(84, (0.0,)), (84, (-2.0,)), (256, (1, 1, 0)), (256, (float("nan"),))],
    )
    def test_that_makes_no_sense_is_left_out_beside_an_sform(
        self, place: int, values: tuple[float, ...]
    ) -> None:
        volume = read(patched(nifti(), place, f"<{len(values)}f", *values))
        assert np.allclose(volume.affine, RIGHT)
        assert "sform used" in note(volume, "qform-ignored")

    @pytest.mark.parametrize("place", [80, 256, 268])
    def test_is_finite(self, place: int) -> None:
        data = patched(patched(nifti(), 252, "<2h", 1, 0), place, "<f", float("nan"))
        assert refused(data).code == "corrupt"


class TestTheMatrix:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
    def test_is_finite_and_near(self, value: float) -> None:
        for place in (280, 292):
            data = patched(patched(nifti(), 252, "<2h", 0, 1), place, "<f", value)
            assert refused(data).code == "corrupt"

    def test_has_three_directions(self) -> None:
        flat = RIGHT.copy()
        flat[:3, 1] = flat[:3, 0] * 2
        data = patched(nifti(), 252, "<2h", 0, 1)
        data = patched(data, 280, "<12f", *flat[:3].ravel())
        assert refused(data).code == "corrupt"

    def test_with_an_axis_of_no_length_is_refused(self) -> None:
        flat = RIGHT.copy()
        flat[:3, 1] = 0
        for codes in ((0, 1), (1, 1)):
            data = patched(patched(nifti(), 252, "<2h", *codes), 280, "<12f", *flat[:3].ravel())
            assert refused(data).code == "corrupt"

    def test_that_is_sheared_is_refused_unless_asked_for(self) -> None:
        problem = refused(nifti(affine=OBLIQUE))
        assert problem.code == "sheared"
        volume = read(nifti(affine=OBLIQUE), choice=SHEARED)
        assert np.allclose(volume.affine, OBLIQUE)
        assert "gantry tilt" in note(volume, "sheared")

    def test_goes_before_a_pixdim_that_says_otherwise(self) -> None:
        volume = read(patched(patched(nifti(), 252, "<2h", 0, 1), 80, "<f", 3.0))
        assert volume.spacing == pytest.approx((0.5, 1.5, 2.0))
        assert "pixdim says 3 × 1.5 × 2" in note(volume, "pixdim-ignored")

    @pytest.mark.parametrize(
        ("place", "codes"), [(400, (1, 1)), (424, (1, 1)), (112, (1, 0)), (376, (1, 0))]
    )
    @pytest.mark.parametrize("value", [1e300, -1e300, float("inf")])
    def test_of_64_bits_is_bounded_too(
        self, place: int, codes: tuple[int, int], value: float
    ) -> None:
        """So is the quaternion, where it alone has a code."""
        data = patched(nifti(version=2), 344, "<2i", *codes)
        assert refused(patched(data, place, "<d", value)).code == "corrupt"


class TestUnits:
    @pytest.mark.parametrize(
        ("code", "factor", "said"),
        [(0, 1.0, "units-assumed"), (1, 1000.0, "units-converted"), (3, 1e-3, "units-converted")],
    )
    def test_become_millimetres(self, code: int, factor: float, said: str) -> None:
        made = RIGHT / factor
        made[3] = RIGHT[3]
        volume = read(patched(nifti(affine=made), 123, "<B", code))
        assert np.allclose(volume.affine, RIGHT, rtol=1e-5)
        assert note(volume, said)

    def test_in_millimetres_are_not_worth_a_word(self) -> None:
        assert not read(nifti()).facts.notes


class TestSpacing:
    @pytest.mark.parametrize("size", [1e-4, 3e3])
    def test_that_cannot_be_is_refused(self, size: float) -> None:
        affine = RIGHT.copy()
        affine[:3, 0] *= size
        assert "spacing" in refused(nifti(affine=affine)).message


class TestRealFiles:
    def test_oblique_ones_lie_where_nibabel_puts_them(self, samples: Path) -> None:
        for name in ("heads/chris_PD.nii.gz", "negatives/CT_pitch.nii.gz"):
            volume = read_volume(files_at(samples / name))
            image = theirs(samples / name)
            assert np.array_equal(volume.affine, image.affine)
            assert not volume.facts.notes

    def test_all_48_orientations_show_every_voxel_at_one_place(self, samples: Path) -> None:
        seen = {}
        for path in sorted((samples / "orientation").glob("*.nii.gz")):
            volume = read_volume(files_at(path))
            brightest = np.argwhere(volume.values == volume.values.max())
            places = brightest @ volume.affine[:3, :3].T + volume.affine[:3, 3]
            seen[path.name] = (len(brightest), places.mean(axis=0))
        assert len(seen) == 48
        count, middle = seen["RAS.nii.gz"]
        for name, (found, place) in seen.items():
            assert found == count, name
            assert np.allclose(place, middle, atol=1e-3), name
