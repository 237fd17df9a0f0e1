import pytest

from bedside.errors import PackageDamaged
from bedside.package.explanation import Occlusion
from bedside.package.image_bounds import check_bounds
from bedside.package.image_operations import (
    CropCentre,
    CropSquare,
    FixedWindow,
    FullRange,
    Greyscale,
    HeaderWindow,
    ImageOperation,
    Normalise,
    PadSquare,
    PercentileWindow,
    RepeatChannel,
    Resize,
    ResizeShorter,
    image_shape,
)
from bedside.package.images import SideRange
from bedside.package.operations import SelectNumbers
from bedside.package.preprocessing import image_operations, tabular_operations
from tests.package.building import Recipe
from tests.package.building_images import INPUT, OPERATIONS, ImageRecipe, image_model

SQUARE = Resize(rows=8, columns=8, filter="box")


def refusal(*operations: ImageOperation, colour: bool = False) -> str:
    with pytest.raises(PackageDamaged) as caught:
        image_shape("colour" if colour else "grey", operations)
    return caught.value.message


class TestTheShape:
    def test_follows_the_operations(self) -> None:
        assert image_shape("grey", [FullRange(), SQUARE, RepeatChannel()]) == (3, 8, 8)
        assert image_shape("colour", [FullRange(), Greyscale(), SQUARE]) == (1, 8, 8)
        centre = CropCentre(rows=4, columns=6)
        assert image_shape("grey", [FullRange(), SQUARE, centre]) == (1, 4, 6)
        wide = Resize(rows=4, columns=6, filter="box")
        assert image_shape("grey", [FullRange(), wide, CropSquare()]) == (1, 4, 4)
        assert image_shape("grey", [FullRange(), wide, PadSquare()]) == (1, 6, 6)

    def test_is_open_where_it_depends_on_the_picture(self) -> None:
        shorter = ResizeShorter(side=8, filter="box")
        assert image_shape("grey", [FullRange(), shorter]) == (1, None, None)
        assert image_shape("grey", [FullRange(), SQUARE, shorter]) == (1, 8, 8)
        assert image_shape("grey", [FullRange(), CropSquare()]) == (1, None, None)


class TestOperationsThatDoNotFit:
    def test_begin_with_a_window(self) -> None:
        assert "'resize' at place 0 must be one that makes values" in refusal(SQUARE)

    def test_window_once(self) -> None:
        assert "which only the first one may" in refusal(FullRange(), FullRange())

    @pytest.mark.parametrize(
        "window", [HeaderWindow(), FixedWindow(centre=1, width=2), PercentileWindow(low=1, high=2)]
    )
    def test_do_not_window_colour(self, window: ImageOperation) -> None:
        assert "have colour; use full_range" in refusal(window, SQUARE, colour=True)

    def test_have_the_channels_that_they_take(self) -> None:
        assert "takes 3 channel(s), and gets 1" in refusal(FullRange(), Greyscale())
        assert "takes 1 channel(s), and gets 3" in refusal(
            FullRange(), RepeatChannel(), colour=True
        )
        one = Normalise(mean=(0.5,), deviation=(0.1,))
        assert "has 1 `mean` for 3 channel(s)" in refusal(FullRange(), one, colour=True)

    def test_are_some_and_not_too_many(self) -> None:
        assert "has 0 operations" in refusal()
        assert "has 17 operations" in refusal(FullRange(), *[SQUARE] * 16)

    def test_belong_to_pictures_or_to_tables(self) -> None:
        select = SelectNumbers(fields=("a",), output="x")
        with pytest.raises(PackageDamaged, match=r"input is a picture.*'select_numbers'"):
            image_operations([FullRange(), select])
        with pytest.raises(PackageDamaged, match=r"input is a table.*'full_range'"):
            tabular_operations([select, FullRange()])


class TestAPackageForPictures:
    def test_that_agrees_with_itself_is_opened_again_as_it_was(self) -> None:
        package = ImageRecipe().package()
        assert package.manifest == ImageRecipe().manifest()

    def test_gives_the_model_its_shape(self) -> None:
        recipe = ImageRecipe(operations=(*OPERATIONS[:1], SQUARE))
        with pytest.raises(
            PackageDamaged, match=r"give pictures of 1 × 8 × 8 .* takes 1 × 32 × 32"
        ):
            recipe.package()

    def test_has_no_model_of_a_table_and_the_other_way_round(self) -> None:
        other = ImageRecipe(changes={"model": Recipe().manifest().model})
        with pytest.raises(PackageDamaged, match="a picture, and the model takes a table"):
            other.package()
        other_way = Recipe(changes={"model": image_model()})
        with pytest.raises(PackageDamaged, match="a table, and the model takes pictures"):
            other_way.package()

    def test_declares_what_its_heat_map_costs(self) -> None:
        wrong = Occlusion(patch=8, stride=8, scale="probability", passes=18)
        with pytest.raises(PackageDamaged, match="declares 18 passes"):
            ImageRecipe(explanation=wrong).package()

    @pytest.mark.parametrize(
        "operation", [PadSquare(), ResizeShorter(side=4096, filter="box")], ids=lambda one: one.op
    )
    def test_never_grows_a_picture_beyond_its_memory(self, operation: ImageOperation) -> None:
        wide = INPUT.model_copy(
            update={"columns": SideRange(minimum=1, maximum=16_384), "most_elongated": 100.0}
        )
        end = OPERATIONS[1:]
        recipe = ImageRecipe(input=wide, operations=(FullRange(), operation, *end))
        with pytest.raises(PackageDamaged, match="could make a picture of"):
            recipe.package()


STRIP = CropCentre(rows=1, columns=4096)


@pytest.mark.parametrize(
    ("operations", "fits"),
    [
        ([STRIP, ResizeShorter(side=4096, filter="box")], False),
        ([STRIP, ResizeShorter(side=1, filter="box")], True),
        ([Resize(rows=64, columns=48, filter="box"), PadSquare()], True),
        ([CropSquare(), ResizeShorter(side=4096, filter="box")], True),
        ([PadSquare()], False),
    ],
)
def test_bounds_follow_the_operations(operations: list[ImageOperation], fits: bool) -> None:
    wide = INPUT.model_copy(
        update={"columns": SideRange(minimum=1, maximum=16_384), "most_elongated": 100.0}
    )
    if fits:
        check_bounds(wide, operations)
    else:
        with pytest.raises(PackageDamaged, match="could make a picture of"):
            check_bounds(wide, operations)


def test_a_manifest_without_an_explanation_does_not_name_it() -> None:
    manifest = Recipe().manifest()
    assert manifest.explanation is None
    assert "explanation" not in manifest.model_dump(mode="json")
