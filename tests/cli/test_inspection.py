from __future__ import annotations

import pytest

from bedside.cli.inspection import english, output_rows, tell_manifest
from bedside.cli.screen import Page
from bedside.package.fields import CategoryField, NumberField, TabularInput, UnitConversion
from bedside.package.manifest import Manifest
from bedside.package.outputs import MulticlassOutput, NumberOutput, OutputClass
from tests.cli.conftest import Laboratory


def test_english_goes_before_other_languages_and_any_before_none() -> None:
    assert english({"ja": "良性", "en": "benign"}) == "benign"
    assert english({"ja": "良性"}) == "良性"
    assert english({}) == ""


def test_a_quantity_is_told_with_its_unit() -> None:
    assert output_rows(NumberOutput(name="dose", unit="mg")) == [("quantity", "dose in mg")]


def test_classes_without_a_threshold_are_told_alone() -> None:
    classes = tuple(OutputClass(label=label) for label in "abc")
    assert output_rows(MulticlassOutput(classes=classes)) == [("classes", "a, b, c")]


def told(manifest: Manifest, capsys: pytest.CaptureFixture[str]) -> str:
    tell_manifest(Page(), manifest)
    return capsys.readouterr().out


def test_every_kind_of_field_is_told(
    laboratory: Laboratory, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = (
        NumberField(
            name="glucose",
            unit="mg/dL",
            minimum=40,
            maximum=200,
            missing="allow",
            conversions=(UnitConversion(unit="mmol/L", factor=18.0),),
        ),
        NumberField(name="children", unit="1", minimum=0, maximum=20, whole=True),
        CategoryField(name="site", categories=tuple(f"C{i}" for i in range(20)), unknown="allow"),
    )
    manifest = laboratory.trained.frozen.package.manifest.model_copy(
        update={"input": TabularInput(fields=fields)}
    )
    lines = told(manifest, capsys).splitlines()
    assert any("glucose" in one and "mg/dL, mmol/L" in one and "allowed" in one for one in lines)
    assert any("children" in one and "whole number" in one and "0 to 20" in one for one in lines)
    assert any("C11, and 8 more, others are let through" in one for one in lines)


def test_parameters_of_the_estimator_are_told_one_by_one(
    laboratory: Laboratory, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = told(laboratory.trained.frozen.package.manifest, capsys)
    assert "estimator.max_iter=1000" in shown
    assert "sensitivity_target=0.97" in shown


def test_words_of_a_package_cannot_command_the_terminal(
    laboratory: Laboratory, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = laboratory.trained.frozen.package.manifest.model_copy(
        update={"intended_use": {"en": "fine\x1b[2J\x1b[1;1H✓ signature"}}
    )
    shown = told(manifest, capsys)
    assert "\x1b" not in shown
    assert "fine\\x1b[2J\\x1b[1;1H✓ signature" in shown
