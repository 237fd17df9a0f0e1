from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bedside.errors import PackageDamaged, UsageError
from bedside.package import golden
from bedside.package.golden import GoldenCase, LabelRuns, check_golden, read_golden, write_golden
from bedside.package.outputs import NumberOutput
from tests.package.building import golden_cases
from tests.package.card.volume_manifests import binary

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4), st.floats(0, 1))
def test_any_case_comes_back_as_it_was(row: dict[str, object], score: float) -> None:
    cases = (GoldenCase(id="a", input=row, label="x", scores={"x": score}, note="n"),)
    assert read_golden(write_golden(cases)) == cases


def test_two_cases_with_one_id_are_refused() -> None:
    case = golden_cases()[0]
    with pytest.raises(UsageError, match="two golden cases have the same id"):
        write_golden((case, case))


def test_no_case_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_golden(())


@pytest.mark.parametrize("value", [float("nan"), 2**53, 2.0**53, "\ud800", object()])
def test_an_input_that_json_cannot_carry_is_refused(value: object) -> None:
    case = GoldenCase(id="a", input={"x": value}, label="x", scores={"x": 0.5})
    with pytest.raises(UsageError):
        write_golden((case,))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b'{"cases":[],"version":1}', b'{"cases":[{"id":"a"}],"version":1}', b"\xff"],
)
def test_anything_else_is_refused_as_a_damaged_package(data: bytes) -> None:
    with pytest.raises(PackageDamaged, match="The list of golden cases"):
        read_golden(data)


def test_the_entry_is_bounded_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "MAX_GOLDEN_BYTES", 3)
    with pytest.raises(PackageDamaged, match="have 4 bytes; at most 3"):
        read_golden(b"    ")


def test_a_number_has_no_label_and_one_name() -> None:
    dose = NumberOutput(name="dose", unit="mg")
    check_golden((GoldenCase(id="a", input={}, label=None, scores={"dose": 5.0}),), dose)
    with pytest.raises(PackageDamaged, match="'a' answers 'high'"):
        check_golden((GoldenCase(id="a", input={}, label="high", scores={"dose": 5.0}),), dose)


RUNS: dict[str, Any] = {"shape": (2, 1, 3), "runs": (0, 4, 1, 2), "mean_probability": 0.25}


class TestALabelMap:
    def test_is_kept_through_the_entry(self) -> None:
        kept = GoldenCase(
            id="a",
            input={"volume": ""},
            label=None,
            scores={"grey": 1.5},
            segmentation=LabelRuns(**RUNS),
        )
        assert read_golden(write_golden((kept,))) == (kept,)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"runs": (0, 4, 1, 3)}, "hold 7 voxels"),
            ({"runs": (0, 4, 1)}, "not well formed"),
            ({"runs": (0, 4, 256, 2)}, "not well formed"),
            ({"shape": (0, 1, 3)}, "not well formed"),
            ({"mean_probability": 1.5}, "mean_probability"),
        ],
    )
    def test_that_cannot_be_is_refused(self, changes: dict[str, Any], named: str) -> None:
        with pytest.raises(ValidationError, match=named):
            LabelRuns(**{**RUNS, **changes})

    def test_stands_in_every_case_of_a_segmentation_and_in_no_other(self) -> None:
        plain = GoldenCase(id="a", input={}, label=None, scores={"grey": 1.5})
        with pytest.raises(PackageDamaged, match="'a' of a segmentation has no label map"):
            check_golden((plain,), binary())
        kept = plain.model_copy(update={"segmentation": LabelRuns(**RUNS)})
        check_golden((kept,), binary())
        with pytest.raises(PackageDamaged, match="'a' has a label map for number"):
            check_golden((kept,), NumberOutput(name="grey", unit="mL"))

    def test_has_only_declared_labels(self) -> None:
        runs = LabelRuns(**{**RUNS, "runs": (0, 4, 7, 2)})
        kept = GoldenCase(id="a", input={}, label=None, scores={"grey": 1.5}, segmentation=runs)
        with pytest.raises(PackageDamaged, match=r"label\(s\) \[7\], which no class has"):
            check_golden((kept,), binary())
