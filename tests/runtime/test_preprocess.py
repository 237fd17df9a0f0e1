import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import PackageDamaged
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
from bedside.runtime.preprocess import Preprocess
from bedside.runtime.table import Matrix, Table
from tests.package.building import FIELDS, OPERATIONS

NAN = math.nan
DECLARED = TabularInput(
    fields=(
        NumberField(name="a", unit="1", minimum=-1e9, maximum=1e9, missing="allow"),
        CategoryField(name="c", categories=("x", "y"), missing="allow", unknown="allow"),
        NumberField(name="b", unit="1", minimum=-1e9, maximum=1e9, missing="allow"),
        CategoryField(name="d", categories=(1, 2), missing="allow"),
    )
)
NUMBERS = SelectNumbers(fields=("a", "b"), output="n")
TABLE = Table(
    np.array([[1.0, 10.0], [2.0, NAN], [NAN, 30.0], [4.0, 40.0]]),
    (("x", "y", None, "z"), (1, 2, None, 2)),
)


def run(*operations: Operation, table: Table = TABLE) -> Matrix:
    return Preprocess(DECLARED, operations)(table)


def expect(found: Matrix, wanted: Sequence[Sequence[float]]) -> None:
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(wanted))


def test_selected_numbers_stand_in_the_order_asked_for() -> None:
    swapped = run(SelectNumbers(fields=("b", "a"), output="n"))
    expect(swapped, [[10, 1], [NAN, 2], [30, NAN], [40, 4]])
    expect(run(SelectNumbers(fields=("b",), output="n")), [[10], [NAN], [30], [40]])
    expect(run(NUMBERS), TABLE.numbers.tolist())


def test_standardising_subtracts_and_then_divides() -> None:
    found = run(NUMBERS, Standardise(input="n", centre=(1.0, 10.0), scale=(2.0, 5.0), output="s"))
    expect(found, [[0, 0], [0.5, NAN], [NAN, 4], [1.5, 6]])


def test_rescaling_multiplies_adds_and_clips() -> None:
    operation = Rescale(input="n", factor=(2.0, 0.1), offset=(-1.0, 1.0), output="r")
    expect(run(NUMBERS, operation), [[1, 2], [3, NAN], [NAN, 4], [7, 5]])
    clipped = operation.model_copy(update={"clip": (2.0, 4.5)})
    expect(run(NUMBERS, clipped), [[2, 2], [3, NAN], [NAN, 4], [4.5, 4.5]])


def test_imputing_fills_gaps_and_appends_indicators() -> None:
    operation = Impute(input="n", values=(-1.0, -2.0), indicators=(1, 0), output="i")
    expect(
        run(NUMBERS, operation),
        [[1, 10, 0, 0], [2, -2, 1, 0], [-1, 30, 0, 1], [4, 40, 0, 0]],
    )
    plain = operation.model_copy(update={"indicators": ()})
    expect(run(NUMBERS, plain), [[1, 10], [2, -2], [-1, 30], [4, 40]])


def one_hot(**changes: object) -> OneHot:
    parts: dict[str, object] = {
        "fields": ("c", "d"),
        "categories": (("x", "y"), (1, 2)),
        "drop": (-1, -1),
        "fill": (None, None),
        "output": "h",
    }
    return OneHot.model_validate({**parts, **changes})


def test_one_hot_gives_zeros_to_what_matches_nothing() -> None:
    expect(run(one_hot()), [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]])


def test_one_hot_leaves_out_the_dropped_column() -> None:
    expect(run(one_hot(drop=(0, 1))), [[0, 1], [1, 0], [0, 0], [0, 0]])


def test_one_hot_matches_a_missing_value_where_null_is_a_category() -> None:
    found = run(one_hot(categories=(("x", None), (None, 2))))
    expect(found, [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 0, 1]])


def test_one_hot_fills_a_missing_value_before_matching() -> None:
    expect(run(one_hot(fill=("y", 1)))[2:3], [[0, 1, 1, 0]])
    expect(run(one_hot(fill=("nobody", None)))[2:3], [[0, 0, 0, 0]])


def test_one_hot_knows_a_code_that_the_field_does_not_list() -> None:
    expect(
        run(one_hot(fields=("c",), categories=(("z",),), drop=(-1,), fill=(None,))),
        [[0], [0], [0], [1]],
    )


def ordinal(**changes: object) -> Ordinal:
    parts: dict[str, object] = {
        "fields": ("c", "d"),
        "categories": (("x", "y"), (2, 1)),
        "unknown": (-7.0, None),
        "missing": (None, -9.0),
        "fill": (None, None),
        "output": "o",
    }
    return Ordinal.model_validate({**parts, **changes})


def test_ordinal_gives_positions_and_its_numbers_for_unknown_and_missing() -> None:
    expect(run(ordinal()), [[0, 1], [1, 0], [NAN, -9], [-7, 0]])


def test_ordinal_matches_null_and_fills_before_matching() -> None:
    expect(run(ordinal(categories=(("x", "y", None), (2, 1))))[2:3], [[2, -9]])
    expect(run(ordinal(fill=("y", 1)))[2:3], [[1, 1]])


def test_columns_are_taken_and_blocks_set_side_by_side() -> None:
    found = run(
        NUMBERS,
        TakeColumns(input="n", columns=(1, 1), output="t"),
        one_hot(fields=("d",), categories=((2,),), drop=(-1,), fill=(None,)),
        Concatenate(inputs=("h", "n", "t"), output="all"),
    )
    expect(found[:1], [[0, 1, 10, 10, 10]])


def test_no_operation_changes_what_it_reads() -> None:
    before = TABLE.numbers.copy()
    run(NUMBERS, Impute(input="n", values=(0.0, 0.0), output="i"))
    np.testing.assert_array_equal(TABLE.numbers, before)


def test_operations_that_do_not_fit_are_refused_before_any_row() -> None:
    with pytest.raises(PackageDamaged, match="reads the block 'n'"):
        Preprocess(DECLARED, (Impute(input="n", values=(1.0,), output="i"),))


def test_the_width_is_known() -> None:
    assert Preprocess(FIELDS, OPERATIONS).width == 5


finite = st.floats(-1e9, 1e9) | st.just(NAN)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=9))
def test_one_row_at_a_time_gives_the_same_bits_as_all_at_once(
    rows: list[tuple[float, float]],
) -> None:
    numbers = np.array(rows)
    table = Table(numbers, (("x",) * len(rows), (None,) * len(rows)))
    operations = (
        NUMBERS,
        Impute(input="n", values=(0.1, 0.2), indicators=(0,), output="i"),
        Standardise(input="i", centre=(0.3, 0.7, 0.0), scale=(3.1, 0.9, 1.0), output="s"),
        Rescale(input="s", factor=(1.1,) * 3, offset=(0.01,) * 3, output="r"),
    )
    preprocess = Preprocess(DECLARED, operations)
    single = np.vstack([preprocess(table.slice(n, n + 1)) for n in range(len(rows))])
    assert preprocess(table).tobytes() == single.tobytes()
