import pytest
from pydantic import ValidationError

from bedside.errors import PackageDamaged
from bedside.package.consistency import check_manifest
from bedside.package.manifest import Entry, Golden
from bedside.package.outputs import NumberOutput, NumberRange
from tests.package.building import OPERATIONS, Recipe, conditions, model


def refusal(**changes: object) -> str:
    manifest = Recipe(changes=changes).manifest()
    with pytest.raises(PackageDamaged) as caught:
        check_manifest(manifest)
    return str(caught.value)


def test_a_manifest_that_agrees_with_itself_passes() -> None:
    check_manifest(Recipe().manifest())


def test_the_last_block_is_as_wide_as_the_model_takes() -> None:
    assert refusal(preprocessing=OPERATIONS[:-1]) == (
        "The last block 'codes' has 2 columns; the model takes 5."
    )


def test_operators_outside_the_standard_are_refused() -> None:
    assert refusal(model=model(5, opset={"ai.onnx": 18, "com.microsoft": 1})) == (
        "The model uses the operator domain(s) ['com.microsoft']; allowed: "
        "['ai.onnx', 'ai.onnx.ml']."
    )


def test_a_runtime_range_that_nobody_can_read_is_refused() -> None:
    assert refusal(conditions=conditions(runtime="newest")) == (
        "The runtime range 'newest' is not a version specifier. Write it like '>=1.22,<2' (PEP 440)."
    )


def test_a_number_of_a_table_has_no_plausible_range() -> None:
    dose = NumberOutput(name="dose", unit="mg", plausible=NumberRange(minimum=0.0, maximum=9.0))
    assert refusal(postprocessing=dose) == (
        "The number 'dose' has a plausible range, which only numbers of volumes have."
    )


def test_a_plausible_range_is_one() -> None:
    with pytest.raises(ValidationError, match=r"minimum 2 is above maximum 1"):
        NumberRange(minimum=2.0, maximum=1.0)


@pytest.mark.parametrize("name", ["manifest.json", "signature.json"])
def test_a_manifest_does_not_list_itself_or_its_signature(name: str) -> None:
    listed = Recipe().manifest().entries
    assert f"lists ['{name}']" in refusal(entries={**listed, name: listed["model.onnx"]})


def test_one_entry_cannot_be_both_model_and_golden_cases() -> None:
    golden = Golden(entry="model.onnx", cases=5, tolerance=1e-5)
    assert refusal(golden=golden) == (
        "The model and the golden cases are the same entry 'model.onnx'."
    )


def test_more_entries_than_an_archive_holds_are_refused() -> None:
    more = {f"{n}.txt": Entry(size=0, digest="sha256:" + "0" * 64) for n in range(70)}
    assert "lists 72 entries; at most 62" in refusal(
        entries={**Recipe().manifest().entries, **more}
    )
