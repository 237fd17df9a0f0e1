import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from bedside.canonical import canonical_bytes
from bedside.errors import PackageDamaged
from bedside.package import manifest as manifest_module
from bedside.package.archive import write_archive
from bedside.package.fields import CategoryField, NumberField, UnitConversion
from bedside.package.manifest import read_manifest, write_manifest
from bedside.package.outputs import IsotonicCalibration, PlattCalibration
from tests.package.building import Recipe

WRITTEN = write_manifest(Recipe().manifest())


def refusal(data: bytes) -> str:
    with pytest.raises(PackageDamaged) as caught:
        read_manifest(data)
    return str(caught.value)


def changed(**changes: object) -> bytes:
    return canonical_bytes({**json.loads(WRITTEN), **changes})


def test_a_manifest_comes_back_as_it_was() -> None:
    assert read_manifest(WRITTEN) == Recipe().manifest()


def test_another_format_version_is_refused_with_advice() -> None:
    assert refusal(changed(format_version=2)) == (
        "Format version '2' is not known; this Bedside reads 1. Update Bedside, or freeze the "
        "model again."
    )


@pytest.mark.parametrize("version", [True, 1.5, "1", None, [1]])
def test_a_format_version_of_another_type_is_refused(version: object) -> None:
    refusal(changed(format_version=version))


def test_an_unknown_name_is_refused_by_name() -> None:
    assert refusal(changed(code="import os")) == (
        "The manifest is not valid: code: Extra inputs are not permitted."
    )


def test_a_missing_name_is_refused_by_name() -> None:
    value = json.loads(WRITTEN)
    del value["not_for"]
    assert "not_for: Field required" in refusal(canonical_bytes(value))


def test_a_left_out_default_is_refused_because_a_manifest_has_one_spelling() -> None:
    value = json.loads(WRITTEN)
    del value["lineage"]["seed"]
    assert "with every value present" in refusal(canonical_bytes(value))


def test_spaces_and_repeated_names_are_refused() -> None:
    assert "not written in canonical JSON" in refusal(WRITTEN.replace(b":", b": ", 1))
    doubled = WRITTEN.replace(b'{"claim_level"', b'{"claim_level":"cleared","claim_level"', 1)
    assert "The name 'claim_level' stands twice" in refusal(doubled)


@pytest.mark.parametrize("data", [b"", b"\xff", b"null", b"[]", b"NaN", b"[" * 100, b'{"a":1e999}'])
def test_anything_else_is_refused_as_a_damaged_package(data: bytes) -> None:
    refusal(data)


def test_a_manifest_is_bounded_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "MAX_MANIFEST_BYTES", 10)
    assert refusal(b"x" * 11) == "The manifest has 11 bytes; at most 10."


def test_only_the_first_faults_are_told() -> None:
    value = {"format_version": 1, **{f"stray{n}": n for n in range(50)}}
    assert refusal(canonical_bytes(value)).endswith("more.")


def test_an_entry_that_is_named_must_be_listed() -> None:
    value = json.loads(WRITTEN)
    value["model"]["entry"] = "other.onnx"
    assert "the entry 'other.onnx' is named but not listed" in refusal(canonical_bytes(value))


def test_every_declared_language_has_its_words() -> None:
    value = json.loads(WRITTEN)
    del value["not_for"]["ja"]
    assert "a text lacks the declared language(s) ['ja']" in refusal(canonical_bytes(value))


@pytest.mark.parametrize(
    "version",
    ["1", "1\u0662.0.0", "01.0.0", "1.0.0-01", "1.0.0-a..b", "1.0.0-", "1.0.0\n", "1.0.0+build"],
)
def test_a_version_is_a_semantic_one_in_ascii(version: str) -> None:
    assert "must be like 1.0.0" in refusal(changed(version=version))


@pytest.mark.parametrize("version", ["0.0.0", "10.20.30-rc.1", "1.0.0-0.01a", "1.0.0--"])
def test_every_kind_of_pre_release_passes(version: str) -> None:
    assert read_manifest(changed(version=version)).version == version


def test_a_name_that_does_not_fit_is_told_how_to_look() -> None:
    assert "'My Model' must be lower-case letters, digits and -" in refusal(
        changed(name="My Model")
    )


@pytest.mark.parametrize(
    "moment",
    [
        "9999-99-99T99:99:99.000000Z",
        "2026-02-29T00:00:00.000000Z",
        "\u0662026-11-21T08:00:00.000000Z",
        "2026-11-21T08:00:00Z",
        "2026-11-21T17:00:00.000000+09:00",
    ],
)
def test_a_time_is_one_that_exists_in_its_one_spelling(moment: str) -> None:
    lineage = {**json.loads(WRITTEN)["lineage"], "trained_at": moment}
    assert "lineage.trained_at" in refusal(changed(lineage=lineage))


def test_a_language_stands_once() -> None:
    assert "a language stands twice" in refusal(changed(languages=["en", "en"]))


@pytest.mark.parametrize(("lower", "upper"), [(0.9, 0.1), (0.85, 0.9), (0.1, 0.7)])
def test_a_metric_lies_within_its_interval(lower: float, upper: float) -> None:
    evaluation = json.loads(WRITTEN)["evaluation"]
    metric = {**evaluation["metrics"][0], "lower": lower, "upper": upper}
    message = refusal(changed(evaluation={**evaluation, "metrics": [metric]}))
    assert f"the value 0.8 is not within its interval from {lower} to {upper}" in message


def test_a_difference_above_its_tolerance_is_refused() -> None:
    lineage = json.loads(WRITTEN)["lineage"]
    lineage["difference"]["largest"] = 0.5
    assert "the largest difference 0.5 is above" in refusal(changed(lineage=lineage))


def test_a_whole_field_holds_a_whole_number() -> None:
    with pytest.raises(ValidationError, match=r"no whole number lies from 0\.2 to 0\.8"):
        NumberField(name="x", unit="1", minimum=0.2, maximum=0.8, whole=True)


@pytest.mark.parametrize("name", ["a.onnx\n", "A.onnx", "../a.onnx", ""])
def test_entry_names_are_matched_whole(name: str) -> None:
    value = json.loads(WRITTEN)
    value["entries"][name] = value["entries"]["model.onnx"]
    refusal(canonical_bytes(value))


def test_a_field_whose_range_is_empty_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"minimum 5\.0 is not below maximum 5\.0"):
        NumberField(name="x", unit="1", minimum=5.0, maximum=5.0)


@pytest.mark.parametrize("factor", [0.0, float("inf"), float("nan")])
def test_a_conversion_without_a_usable_factor_is_refused(factor: float) -> None:
    with pytest.raises(ValidationError):
        NumberField(
            name="x",
            unit="um",
            minimum=0.0,
            maximum=1.0,
            conversions=(UnitConversion(unit="mm", factor=factor),),
        )


def test_categories_are_distinct_and_of_one_type() -> None:
    with pytest.raises(ValidationError, match="stands twice"):
        CategoryField(name="x", categories=("a", "a"))
    with pytest.raises(ValidationError, match="all text or all integers"):
        CategoryField(name="x", categories=("a", 1))
    with pytest.raises(ValidationError):
        CategoryField(name="x", categories=(True, False))


def test_a_calibration_that_gives_every_input_the_same_answer_is_refused() -> None:
    with pytest.raises(ValidationError, match="slope of 0"):
        PlattCalibration(slope=0.0, intercept=1.0)


@pytest.mark.parametrize(
    ("x", "y"), [((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0)), ((0.0, 1.0), (0.0, 1.5))]
)
def test_an_isotonic_calibration_rises_within_0_and_1(
    x: tuple[float, ...], y: tuple[float, ...]
) -> None:
    with pytest.raises(ValidationError):
        IsotonicCalibration(x=x, y=y)


SPECIFICATION = Path(__file__).parents[2] / "docs" / "spec" / "package.md"


def fenced(name: str) -> str:
    text = SPECIFICATION.read_text(encoding="utf-8")
    return text.split(f"```{name}\n")[1].split("```")[0]


def test_the_example_in_the_specification_is_the_small_package() -> None:
    example = read_manifest(canonical_bytes(json.loads(fenced("json manifest"))))
    small = Recipe().manifest()
    here = {"entries": small.entries, "conditions": small.conditions}  # digests and versions differ
    assert example.model_copy(update=here) == small
    assert set(example.entries) == set(small.entries)


def test_the_bytes_in_the_specification_are_an_archive() -> None:
    assert bytes.fromhex(fenced("hex archive")) == write_archive({"a.b": b"hi"})
    assert "these 106 bytes" in SPECIFICATION.read_text(encoding="utf-8")
    assert len(write_archive({"a.b": b"hi"})) == 106


def test_every_name_of_the_manifest_stands_in_the_specification() -> None:
    text = SPECIFICATION.read_text(encoding="utf-8").split("```json manifest")[0]
    missing = [
        name
        for name in names_of(json.loads(WRITTEN))
        if f"`{name}`" not in text and f'"{name}"' not in text
    ]
    assert missing == []


def names_of(value: object) -> set[str]:
    """Every name that a manifest's own shape gives, at any depth."""
    free = {"verified_with", "parameters", "environment", "entries", "opset", "title"}
    if isinstance(value, dict):
        inner = [names_of(part) for name, part in value.items() if name not in free]
        own = set() if set(value) <= {"en", "ja"} else set(value)
        return own.union(*inner)
    if isinstance(value, list):
        return set().union(*(names_of(part) for part in value)) if value else set()
    return set()
