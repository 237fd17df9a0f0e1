from collections.abc import Sequence

import pytest

from bedside.errors import PackageDamaged
from bedside.package import widths
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.package.operations import (
    Concatenate,
    Impute,
    OneHot,
    Operation,
    Ordinal,
    Rescale,
    SelectNumbers,
    Standardise,
    TakeColumns,
)
from bedside.package.widths import block_widths
from tests.package.building import FIELDS, OPERATIONS

NUMBERS = SelectNumbers(fields=("radius", "age"), output="n")


def one_hot(**changes: object) -> OneHot:
    parts: dict[str, object] = {
        "fields": ("sex",),
        "categories": (("female", "male", None),),
        "drop": (-1,),
        "fill": (None,),
        "output": "h",
    }
    return OneHot.model_validate({**parts, **changes})


def ordinal(**changes: object) -> Ordinal:
    parts: dict[str, object] = {
        "fields": ("sex",),
        "categories": (("female", "male"),),
        "unknown": (None,),
        "missing": (-1.0,),
        "fill": (None,),
        "output": "o",
    }
    return Ordinal.model_validate({**parts, **changes})


def test_the_width_of_every_block_is_known_before_anything_runs() -> None:
    assert block_widths(FIELDS, OPERATIONS) == {
        "numbers": 2,
        "filled": 3,
        "scaled": 3,
        "codes": 2,
        "model_input": 5,
    }


def test_every_operation_has_its_width() -> None:
    operations = (
        NUMBERS,
        Rescale(input="n", factor=(1.0, 2.0), offset=(0.0, 1.0), clip=(0.0, 1.0), output="r"),
        one_hot(drop=(0,)),
        ordinal(),
        TakeColumns(input="h", columns=(1, 1, 0), output="t"),
        Concatenate(inputs=("t", "o", "t"), output="all"),
    )
    assert block_widths(FIELDS, operations) == {"n": 2, "r": 2, "h": 2, "o": 1, "t": 3, "all": 7}


MISFITS: Sequence[tuple[Operation, str]] = [
    (
        SelectNumbers(fields=("height",), output="x"),
        "names the field 'height', which is not declared",
    ),
    (SelectNumbers(fields=("sex",), output="x"), "cannot read the category field 'sex'"),
    (SelectNumbers(fields=("age", "age"), output="x"), "names a field twice"),
    (SelectNumbers(fields=("age",), output="n"), "writes the block 'n' a second time"),
    (one_hot(fields=("age",)), "cannot read the number field 'age'"),
    (one_hot(drop=()), "has 0 `drop` for 1 fields"),
    (one_hot(fill=(None, None)), "has 2 `fill` for 1 fields"),
    (one_hot(categories=()), "has 0 `categories` for 1 fields"),
    (one_hot(drop=(3,)), "drops the category 3 of 3"),
    (one_hot(drop=(-2,)), "drops the category -2 of 3"),
    (one_hot(categories=(("female", "female"),)), "lists a category of 'sex' twice"),
    (one_hot(categories=((1, 2),)), "uses the code 1 for 'sex', whose categories are text"),
    (one_hot(fill=(0,)), "uses the code 0 for 'sex', whose categories are text"),
    (one_hot(categories=(("female",),), drop=(0,)), "has no column left"),
    (ordinal(unknown=()), "has 0 `unknown` for 1 fields"),
    (ordinal(missing=(1.0, 2.0)), "has 2 `missing` for 1 fields"),
    (
        Impute(input="m", values=(1.0,), output="x"),
        "reads the block 'm', which nothing has written before it",
    ),
    (Impute(input="n", values=(1.0,), output="x"), "has 1 `values` for 2 columns"),
    (
        Impute(input="n", values=(1.0, 1.0), indicators=(2,), output="x"),
        "takes column 2 of a block that has 2",
    ),
    (
        Standardise(input="n", centre=(0.0,), scale=(1.0, 1.0), output="x"),
        "has 1 `centre` for 2 columns",
    ),
    (
        Standardise(input="n", centre=(0.0, 0.0), scale=(1.0, 0.0), output="x"),
        "divides column 1 by 0",
    ),
    (
        Rescale(input="n", factor=(1.0, 1.0), offset=(0.0,), output="x"),
        "has 1 `offset` for 2 columns",
    ),
    (
        Rescale(input="n", factor=(1.0, 1.0), offset=(0.0, 0.0), clip=(1.0, 0.0), output="x"),
        "clips to (1.0, 0.0), whose ends are the wrong way round",
    ),
    (TakeColumns(input="n", columns=(-1,), output="x"), "takes column -1 of a block that has 2"),
    (
        Concatenate(inputs=("n", "later"), output="x"),
        "reads the block 'later', which nothing has written before it",
    ),
]


@pytest.mark.parametrize(("operation", "why"), MISFITS, ids=[why for _, why in MISFITS])
def test_an_operation_that_does_not_fit_is_refused_by_place_and_reason(
    operation: Operation, why: str
) -> None:
    with pytest.raises(PackageDamaged) as caught:
        block_widths(FIELDS, (NUMBERS, operation))
    assert str(caught.value) == f"The operation {operation.op!r} at place 1 {why}."


def test_a_package_without_preprocessing_is_refused() -> None:
    with pytest.raises(PackageDamaged, match="has 0 operations; from 1 to 4096"):
        block_widths(FIELDS, ())


def test_blocks_that_double_without_end_are_refused() -> None:
    doubling = [Concatenate(inputs=(f"b{n}", f"b{n}"), output=f"b{n + 1}") for n in range(60)]
    operations: tuple[Operation, ...] = (
        SelectNumbers(fields=("age",), output="b0"),
        *doubling,
    )
    with pytest.raises(PackageDamaged, match=r"at place 17 makes more than 131072 columns in all"):
        block_widths(FIELDS, operations)


def test_whole_number_codes_are_told_from_text() -> None:
    declared = TabularInput(fields=(CategoryField(name="grade", categories=(1, 2)),))
    operation = one_hot(fields=("grade",), categories=((1, "2"),))
    with pytest.raises(PackageDamaged, match="whose categories are whole numbers"):
        block_widths(declared, (operation,))


def test_the_limit_holds_the_largest_plain_input() -> None:
    fields = tuple(
        NumberField(name=f"f{n}", unit="1", minimum=0.0, maximum=1.0) for n in range(4096)
    )
    select = SelectNumbers(fields=tuple(field.name for field in fields), output="n")
    assert block_widths(TabularInput(fields=fields), (select,)) == {"n": 4096}
    assert widths.MAX_COLUMNS >= 8 * 4096
