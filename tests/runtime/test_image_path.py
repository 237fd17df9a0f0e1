"""Pictures through a whole package: answers by hand, flags, facts, heat maps."""

import dataclasses

import numpy as np
import pytest

from bedside.errors import InputRefused, LimitExceeded, PackageDamaged, UsageError
from bedside.imaging.reading import read_picture
from bedside.package.explanation import Contributions, Reference
from bedside.package.image_operations import FullRange, Resize
from bedside.runtime.explained import PictureExplained
from bedside.runtime.runner import Runner, load
from tests.package.building_images import (
    DARK,
    ROW,
    STATED,
    ImageRecipe,
    dicom,
    expected_probability,
    film,
    image_model,
    network,
    png,
    row,
)


@pytest.fixture(scope="module")
def runner() -> Runner:
    return load(ImageRecipe().package())


@pytest.mark.parametrize("centre", [20.0, 91.0, 92.0, 170.0, 250.0])
def test_an_answer_is_the_one_computed_by_hand(runner: Runner, centre: float) -> None:
    (answer,) = runner.predict([row(png(film(centre)), **STATED)])
    expected = expected_probability(film(centre))
    assert answer.scores["opacity"] == pytest.approx(expected, abs=1e-5)
    assert answer.label == ("opacity" if expected >= 0.62 else "clear")


def test_the_same_pixels_as_dicom_get_the_same_answer(runner: Runner) -> None:
    as_png, as_dicom = runner.predict([ROW, row(dicom(film(170.0)))])
    assert as_png.scores == as_dicom.scores
    assert as_dicom.picture is not None
    assert as_dicom.picture.medium == "dicom"
    assert as_dicom.picture.sop_instance is not None


def test_what_nobody_said_is_flagged_in_the_answer(runner: Runner) -> None:
    flagged, plain = runner.predict([row(DARK), row(DARK, **STATED)])
    assert [one.code for one in flagged.flags] == ["modality-unstated", "body-part-unstated"]
    assert plain.flags == ()


def test_one_picture_out_of_the_domain_refuses_all_and_names_its_row(runner: Runner) -> None:
    with pytest.raises(InputRefused) as caught:
        runner.predict([ROW, row(DARK, **{**STATED, "body_part": "FOOT"})])
    assert [(one.row, one.field) for one in caught.value.refusals] == [(1, "body_part")]


def test_no_picture_and_too_many_are_refused(runner: Runner) -> None:
    with pytest.raises(UsageError, match="There is no picture"):
        runner.predict([])
    with pytest.raises(LimitExceeded, match="17 pictures at once; at most 16"):
        runner.predict([ROW] * 17)


@pytest.mark.parametrize(("explain", "asked"), [(False, 3), (True, 3 + 3 * (1 + 2))])
def test_before_each_picture_and_each_batch_it_is_asked_whether_to_go_on(
    runner: Runner, explain: bool, asked: int
) -> None:
    times = 0

    def going_on() -> None:
        nonlocal times
        times += 1

    runner.predict([ROW] * 3, explain=explain, going_on=going_on)
    assert times == asked


def test_what_says_not_to_go_on_ends_the_work(runner: Runner) -> None:
    def left() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        runner.predict([ROW], explain=True, going_on=left)


def test_a_network_that_takes_one_picture_at_a_time_answers_the_same(runner: Runner) -> None:
    single = network()
    single.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    rows = [ROW, row(DARK, **STATED), ROW]
    one_by_one = load(ImageRecipe(network=single).package()).predict(rows)
    assert [a.scores for a in one_by_one] == [
        pytest.approx(a.scores, abs=1e-6) for a in runner.predict(rows)
    ]


def test_a_network_of_another_shape_is_refused() -> None:
    operations = (FullRange(), Resize(rows=16, columns=16, filter="box"))
    changes = {"model": image_model(shape=(1, 16, 16))}
    recipe = ImageRecipe(operations=operations, explanation=None, changes=changes)
    with pytest.raises(PackageDamaged, match="1 × 16 × 16 \\(channels × rows × columns\\)"):
        load(recipe.package())


class TestAHeatMap:
    def test_shows_what_speaks_for_the_answer(self, runner: Runner) -> None:
        (answer,) = runner.predict([ROW], explain=True)
        why = answer.explanation
        assert isinstance(why, PictureExplained)
        assert why.grid.shape == (32, 32)
        assert why.of == "opacity"
        assert why.passes == 17
        assert why.base == pytest.approx(answer.scores["opacity"])
        middle, corner = why.grid[12:20, 12:20].mean(), why.grid[:4, :4].mean()
        assert middle > 0.01
        assert middle > 3 * abs(corner)
        shown = read_picture(why.png)
        assert shown.values.shape[0] >= 64

    def test_is_the_same_every_time(self, runner: Runner) -> None:
        first, second = (runner.predict([ROW], explain=True)[0].explanation for _ in range(2))
        assert isinstance(first, PictureExplained)
        assert isinstance(second, PictureExplained)
        assert first.png == second.png
        np.testing.assert_array_equal(first.grid, second.grid)

    def test_leaves_the_answer_as_it_is(self, runner: Runner) -> None:
        (plain,), (explained,) = runner.predict([ROW]), runner.predict([ROW], explain=True)
        assert dataclasses.replace(explained, explanation=None) == plain

    def test_is_refused_where_none_is_declared(self) -> None:
        silent = load(ImageRecipe(explanation=None).package())
        with pytest.raises(UsageError, match="declares no explanation"):
            silent.predict([ROW], explain=True)

    def test_is_no_explanation_of_a_table(self) -> None:
        reference: Reference = {"radius": 10.0}
        other = Contributions(
            method="linear",
            scale="probability",
            reference=reference,
            passes=3,
        )
        with pytest.raises(PackageDamaged, match="the explanation is 'contributions'"):
            ImageRecipe(explanation=other).package()
