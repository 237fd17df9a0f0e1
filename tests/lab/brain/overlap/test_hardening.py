from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bedside.lab.brain.overlap.hardening import (
    LARGEST,
    SMALLEST,
    folded,
    holed,
    noised,
    nothing_like_a_head,
    smeared,
    strange_values,
    stripped,
)
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.tissues import Tissue

SPACING = 4.0


def chance(number: int = 0) -> Chance:
    return Chance((number,), torch.device("cpu"))


@pytest.fixture
def mask() -> Tensor:
    places = torch.stack(torch.meshgrid(*[torch.arange(32.0) - 15.5] * 3, indexing="ij"))
    return ((places**2).sum(0) < 13**2).to(torch.float32)


@pytest.fixture
def image(mask: Tensor) -> Tensor:
    return 0.2 + 0.5 * mask


def test_noise_grows_with_severity(image: Tensor) -> None:
    spread = [float((noised(image, chance(), one) - image).std()) for one in (0.0, 0.5, 1.0)]
    assert spread == sorted(spread)
    assert spread[-1] > 0.2


def test_blur_grows_with_severity(image: Tensor) -> None:
    for number in range(4):  # blurred, or seen through thick slices
        edges = [
            float(smeared(image, SPACING, chance(number), one).diff(dim=0).abs().max())
            for one in (0.0, 1.0)
        ]
        assert edges[1] <= edges[0]


def test_grey_values_become_strange_and_stay_between_0_and_1(image: Tensor) -> None:
    for number in range(8):
        found = folded(image, chance(number), 1.0)
        assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_values_as_in_no_mr_have_one_for_each_tissue() -> None:
    for number in range(4):
        values = strange_values(chance(number))
        assert values.shape == (len(Tissue),)
        assert 0 <= values.min() <= values.max() <= 1


@pytest.mark.parametrize("severity", [0.0, 0.5, 1.0])
def test_a_hole_lies_in_the_brain_and_has_about_its_size(
    image: Tensor, mask: Tensor, severity: float
) -> None:
    wanted = SMALLEST * (LARGEST / SMALLEST) ** severity
    sizes = []
    for number in range(8):
        changed = holed(image, mask, SPACING, chance(number), severity) != image
        assert not bool((changed & (mask < 0.5)).any())
        sizes.append(float(changed.sum()) * SPACING**3 / 1000)
    assert 0.3 * wanted < max(sizes) < 2.0 * wanted


def test_a_hole_in_no_brain_is_none(image: Tensor) -> None:
    assert torch.equal(holed(image, torch.zeros_like(image), SPACING, chance(), 1.0), image)


def test_careless_stripping_takes_what_is_around_and_adds_nothing(
    image: Tensor, mask: Tensor
) -> None:
    found = stripped(image, mask, SPACING, chance(2), 0.5)
    assert bool(((found == image) | (found == 0)).all())
    assert float(found[0].abs().max()) == 0.0


def test_what_is_no_head_looks_like_none_and_differs_each_time(image: Tensor) -> None:
    one, other = (nothing_like_a_head(image, SPACING, chance(number)) for number in (1, 2))
    assert one.shape == image.shape
    assert not torch.equal(one, other)
    assert float(one.min()) >= 0
