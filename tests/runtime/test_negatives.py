"""What a model of heads in MR must never segment in silence, and what it must not turn away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.errors import InputRefused, VolumeRefused
from bedside.freezing.volumes.likeness import learned, thinned
from bedside.imaging.files import files_at
from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume import Volume, VolumeFacts
from bedside.imaging.volume_reading import read_volume
from bedside.package.volumes import FieldOfView, MillimetreRange, VolumeInput, VoxelRange
from bedside.runtime.analysis import Stated
from bedside.runtime.analysis_files import measurements_of
from bedside.runtime.runner import Runner
from bedside.runtime.volume_gate import Passed, VolumeGate
from tests.volume_packages import Made, opened

MAPS = ("01", "02", "05", "06", "08", "10")
"""Label maps from which the likeness is learned: no head below is among them."""

HEAD = MillimetreRange(minimum=100.0, maximum=320.0)
MR = Stated(modality="MR")
MADE = VolumeFacts(medium="nifti", digest="sha256:" + "0" * 64)


@pytest.fixture(scope="module")
def domain(samples: Path) -> VolumeInput:
    """Heads in MR, of any contrast, the likeness learned from label maps."""
    names = (f"synthseg_training_seg_{number}.nii.gz" for number in MAPS)
    maps = [thinned(read_volume(files_at(samples / "labels" / name))) for name in names]
    return VolumeInput(
        media=("nifti", "dicom-series", "dicom-enhanced"),
        modalities=("MR",),
        body_parts=("HEAD", "BRAIN"),
        unstated="flag",
        spacing=MillimetreRange(minimum=0.3, maximum=4.0),
        field_of_view=FieldOfView(left_right=HEAD, back_front=HEAD, foot_head=HEAD),
        sides=VoxelRange(minimum=16, maximum=512),
        most_voxels=2**25,
        likeness=learned(maps),
    )


def passed(domain: VolumeInput, volume: Volume, stated: Stated = MR) -> Passed:
    return VolumeGate(domain).check(volume, stated)


def reasons(domain: VolumeInput, volume: Volume, stated: Stated = MR) -> str:
    with pytest.raises(InputRefused) as refused:
        passed(domain, volume, stated)
    return "; ".join(str(one) for one in refused.value.refusals)


def only_by_looks(domain: VolumeInput) -> VolumeInput:
    """The same with no limit but the likeness, so that a test shows that it alone suffices."""
    anything = MillimetreRange(minimum=0.01, maximum=2000.0)
    return domain.model_copy(
        update={
            "spacing": anything,
            "field_of_view": FieldOfView(
                left_right=anything, back_front=anything, foot_head=anything
            ),
            "intensity": domain.intensity.model_copy(update={"least_continuity": 0.0}),
        }
    )


@pytest.mark.parametrize(
    "name",
    [
        "heads/colin27_T1.nii.gz",
        "heads/MNI152_T1_2mm.nii.gz",
        "heads/MoAE_t1.nii.gz",
        "heads/chris_t1.nii.gz",
        "heads/chris_PD.nii.gz",
        "heads/avg152T2.nii",
        "heads/avg152PD.nii",
        "lesions/stroke_T2.nii.gz",
    ],
)
def test_real_heads_of_every_contrast_pass(samples: Path, domain: VolumeInput, name: str) -> None:
    found = passed(domain, read_volume(files_at(samples / name)))
    assert found.out_of_domain is not None
    assert found.out_of_domain < 0.12
    assert "unlike-the-domain" not in {flag.code for flag in found.flags}


@pytest.mark.parametrize(
    ("name", "why", "least"),
    [
        ("ct_torso.nii.gz", "mm from left to right", 0.6),
        ("Iguana.nii.gz", "mm from voxel to voxel", 0.9),
        ("CT_pitch.nii.gz", "a likeness of 0.", 0.5),
        ("CT_AVM.nii.gz", "a likeness of 0.", 0.5),
        ("MR_Gd.nii.gz", "a likeness of 0.", 0.17),
    ],
    ids=["belly", "lizard", "turned-ct", "ct-of-vessels", "brain-without-its-head"],
)
def test_what_is_no_head_in_mr_is_refused_with_the_reason_and_by_its_looks_alone(
    samples: Path, domain: VolumeInput, name: str, why: str, least: float
) -> None:
    volume = read_volume(files_at(samples / "negatives" / name))
    assert why in reasons(domain, volume)
    looks = only_by_looks(domain)
    assert "a likeness of" in reasons(looks, volume)
    assert looks.likeness is not None
    flagging = looks.model_copy(
        update={"likeness": looks.likeness.model_copy(update={"otherwise": "flag"})}
    )
    found = passed(flagging, volume)
    assert "unlike-the-domain" in {flag.code for flag in found.flags}
    assert found.out_of_domain is not None
    assert found.out_of_domain > least


def test_a_brain_without_its_head_is_refused_in_every_contrast(
    samples: Path, domain: VolumeInput
) -> None:
    for name in ("openms_p07_T1_brain_MNI.nii.gz", "openms_p19_FLAIR_brain_MNI.nii.gz"):
        volume = read_volume(files_at(samples / "lesions" / name))
        assert "a likeness of 0.7" in reasons(domain, volume)


def test_noise_is_refused_as_noise_and_by_its_looks(domain: VolumeInput) -> None:
    values = np.random.default_rng(1).normal(100, 30, (80, 80, 80)).astype(np.float32)
    noise = Volume(values, np.diag([2.5, 2.5, 2.5, 1.0]), MADE)
    assert "as noise does" in reasons(domain, noise)
    assert "a likeness of" in reasons(only_by_looks(domain), noise)


@pytest.mark.parametrize("value", [0.0, -1000.0, 812.0])
def test_an_empty_volume_is_refused(domain: VolumeInput, value: float) -> None:
    values = np.full((80, 80, 80), value, dtype=np.float32)
    empty = Volume(values, np.diag([2.5, 2.5, 2.5, 1.0]), MADE)
    assert "1 different value(s)" in reasons(domain, empty)


def test_four_dimensions_and_a_chest_film_are_no_volume(samples: Path) -> None:
    with pytest.raises(VolumeRefused) as refused:
        read_volume(files_at(samples / "negatives" / "pcasl.nii.gz"))
    assert refused.value.code == "four-dimensional"
    for film in ("films/chest_MONOCHROME1.dcm", "films/00000001_000.png"):
        with pytest.raises(VolumeRefused):
            read_volume(files_at(samples / film))


def test_a_belly_in_dicom_is_refused_by_its_modality(samples: Path, domain: VolumeInput) -> None:
    series = read_volume(files_at(samples / "dicom" / "ct-j2k-series"))
    assert "modality" in reasons(domain, series, Stated())


@pytest.mark.parametrize("seed", [0, 1])
def test_the_drawn_heads_of_golden_cases_pass(domain: VolumeInput, seed: int) -> None:
    found = passed(domain, drawn_head((48, 56, 52), (4.0, 4.0, 4.0), seed))
    assert found.out_of_domain is not None
    assert found.out_of_domain < 0.12


def test_a_head_of_which_nobody_says_that_it_is_mr_is_flagged(domain: VolumeInput) -> None:
    found = passed(domain, drawn_head((48, 56, 52), (4.0, 4.0, 4.0)), Stated())
    assert {"modality-unstated", "body-part-unstated"} <= {flag.code for flag in found.flags}


def test_a_runner_never_segments_a_lizard_or_a_belly(samples: Path, domain: VolumeInput) -> None:
    runner = Runner(opened(Made(declared=only_by_looks(domain))))
    for name in ("Iguana.nii.gz", "ct_torso.nii.gz"):
        with pytest.raises(InputRefused, match="a likeness of"):
            runner.analyse(read_volume(files_at(samples / "negatives" / name)), MR)


def test_or_says_with_the_answer_that_it_is_of_something_else_where_the_author_wants_that(
    samples: Path, domain: VolumeInput
) -> None:
    looks = only_by_looks(domain)
    assert looks.likeness is not None
    flagging = looks.likeness.model_copy(update={"otherwise": "flag"})
    package = opened(Made(declared=looks.model_copy(update={"likeness": flagging})))
    volume = read_volume(files_at(samples / "negatives" / "CT_pitch.nii.gz"))
    analysis = Runner(package).analyse(volume, MR)
    told = measurements_of(analysis, package.manifest)
    assert analysis.out_of_domain is not None
    assert analysis.out_of_domain > 0.5
    assert told["out_of_domain"] == pytest.approx(analysis.out_of_domain, abs=1e-3)
    assert "unlike-the-domain" in str(told["flags"])
