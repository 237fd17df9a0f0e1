from __future__ import annotations

import pickle

import pytest
import torch

from bedside.lab.lesions.drawing import BRIGHTEST, HEAVY
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.lesions.task import make
from bedside.lab.training.task import Cases


@pytest.fixture(scope="module")
def training(settings: LesionSettings) -> Cases:
    return make(settings).training_cases()


def test_a_case_follows_from_its_number_alone(training: Cases, settings: LesionSettings) -> None:
    later = make(settings).training_cases()[7]
    training[3]
    for name, values in training[7].items():
        assert torch.equal(values, later[name]), name
    assert not torch.equal(training[8]["image"], later["image"])


def test_images_are_scaled_and_lesions_weigh_more_than_what_is_around(training: Cases) -> None:
    lesions = 0.0
    for number in range(6):
        case = training[number]
        assert {one.shape for one in case.values()} == {torch.Size((1, 32, 32, 32))}
        assert 0 <= float(case["image"].min()) <= float(case["image"].max()) <= BRIGHTEST
        inside = case["share"] > 0
        assert (case["weight"][~inside] == 1).all()
        assert ((case["weight"] >= HEAVY[0]) & (case["weight"] <= HEAVY[1])).all()
        lesions += float(case["share"].sum())
    assert lesions > 0


def test_lesions_are_brighter_than_the_white_matter_around_them(settings: LesionSettings) -> None:
    sharp = settings.model_dump() | {
        "synthesis": settings.synthesis.model_copy(
            update={"noise": 0.0, "bias": 0.0, "texture": 0.0, "blurred": 0.0, "ghosted": 0.0}
        ),
        "lesions": settings.lesions.model_copy(
            update={"flair": 1.0, "misleading": 0.0, "thick": 0.0, "stripped": 0.0}
        ),
    }
    cases = make(LesionSettings.model_validate(sharp)).training_cases()
    gaps = []
    for number in range(8):
        case = cases[number]
        inside = case["share"] > 0.9
        ring = torch.nn.functional.max_pool3d(case["share"][None], 5, 1, 2)[0] > 0.5
        around = ring & (case["share"] == 0)
        if inside.any() and around.any():
            gaps.append(float(case["image"][inside].median() - case["image"][around].median()))
    assert sum(gap > 0 for gap in gaps) >= len(gaps) - 1 > 0


def test_travels_to_a_worker_without_its_heads(training: Cases) -> None:
    travelled = pickle.dumps(training)
    assert len(travelled) < 20_000
    again: Cases = pickle.loads(travelled)  # noqa: S301 - our own, from two lines above
    assert torch.equal(again[5]["share"], training[5]["share"])


def test_validation_has_so_many_cases_and_no_more(settings: LesionSettings) -> None:
    held_out = make(settings).validation_cases()
    assert len(held_out) == 2
    with pytest.raises(IndexError):
        held_out[2]
