from __future__ import annotations

from typing import get_args

import pytest

from bedside.errors import UsageError
from bedside.package.antspynet import FILM_FUNCTIONS, AntspynetFunction
from bedside.runtime.engines.antspynet.functions import (
    FUNCTIONS,
    MODALITIES,
    Parameter,
    asked,
    files_of,
)


def test_a_manifest_may_name_exactly_what_takes_one_image() -> None:
    one_image = {name for name, known in FUNCTIONS.items() if known.fewest == 1}
    assert set(get_args(AntspynetFunction)) == one_image
    assert {name for name in one_image if FUNCTIONS[name].axes == 2} == FILM_FUNCTIONS


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_of_brain_extraction_has_its_files(modality: str) -> None:
    files = files_of(asked("brain_extraction", {"modality": modality}))
    assert files.networks
    assert len(set(files.names)) == len(files.names)


def test_what_is_not_set_is_the_librarys_default() -> None:
    assert asked("deep_atropos", {}).parameters == {
        "do_preprocessing": True, "use_spatial_priors": 1, "do_denoising": True,
    }  # fmt: skip


def test_channels_are_those_of_the_answer() -> None:
    assert asked("brain_extraction", {"modality": "t2"}).channels == 1
    assert asked("brain_extraction", {"modality": "t1lobes"}).channels == 6
    assert asked("deep_atropos", {}).channels == 7
    assert asked("chexnet", {"include_tuberculosis_diagnosis": True}).channels == 15


def test_a_function_that_prepares_a_head_reads_what_extracts_its_brain() -> None:
    assert files_of(asked("deep_atropos", {})).names == (
        "S_template3.nii.gz",
        "brainExtractionRobustT1.h5",
        "croppedMni152.nii.gz",
        "croppedMni152Priors.nii.gz",
        "sixTissueOctantBrainSegmentationWithPriors1.h5",
    )
    bare = asked("deep_atropos", {"do_preprocessing": False, "use_spatial_priors": 0})
    assert files_of(bare).names == ("sixTissueOctantBrainSegmentation.h5",)


def test_two_images_have_networks_of_their_own() -> None:
    ask = asked("sysu_media_wmh_segmentation", {"use_ensemble": False})
    assert files_of(ask, 1).networks == ("sysuMediaWmhFlairOnlyModel0",)
    assert files_of(ask, 2).networks == ("sysuMediaWmhFlairT1Model0",)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("cortical_thickness", {}),
        ("brain_extraction", {"modality": "t9"}),
        ("brain_extraction", {"verbose": True}),
        ("shiva_wmh_segmentation", {"which_model": True}),
        ("deep_atropos", {"use_spatial_priors": 1.0}),
    ],
)
def test_what_is_not_offered_is_refused_by_name(
    function: str, parameters: dict[str, Parameter]
) -> None:
    with pytest.raises(UsageError) as refused:
        asked(function, parameters)
    assert refused.value.advice
