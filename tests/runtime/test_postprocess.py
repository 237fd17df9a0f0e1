import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import PackageRefused
from bedside.package.outputs import (
    BinaryOutput,
    IsotonicCalibration,
    MulticlassOutput,
    NumberOutput,
    OutputClass,
    PlattCalibration,
    Threshold,
)
from bedside.runtime.postprocess import Answer, Postprocess, calibrator, output_width

NEGATIVE, POSITIVE = OutputClass(label="no"), OutputClass(label="yes")
BINARY = BinaryOutput(
    classes=(NEGATIVE, POSITIVE),
    positive="yes",
    threshold=Threshold(value=0.3, meaning={"en": "found in the tests"}),
)
GRADES = MulticlassOutput(classes=tuple(OutputClass(label=label) for label in "abc"))
DOSE = NumberOutput(name="dose", unit="mg")


def answers(
    output: BinaryOutput | MulticlassOutput | NumberOutput, *rows: tuple[float, ...]
) -> tuple[Answer, ...]:
    return Postprocess(output)(np.array(rows))


def test_the_positive_label_is_shown_at_exactly_the_threshold() -> None:
    below, at = answers(BINARY, (0.7, math.nextafter(0.3, 0)), (0.7, 0.3))
    assert (below.label, at.label) == ("no", "yes")
    assert at.scores == {"no": 0.7, "yes": 0.3}
    assert (at.threshold, at.unit) == (0.3, None)


def test_the_positive_class_may_be_the_first_column() -> None:
    turned = BINARY.model_copy(update={"positive": "no"})
    (answer,) = answers(turned, (0.3, 0.7))
    assert answer.label == "no"


def test_platt_calibration_follows_its_formula() -> None:
    platt = BINARY.model_copy(update={"calibration": PlattCalibration(slope=-2.0, intercept=0.5)})
    (answer,) = answers(platt, (0.2, 0.8))
    wanted = 1 / (1 + math.exp(-2.0 * math.log(0.8 / 0.2) + 0.5))
    assert math.isclose(answer.scores["yes"], wanted, rel_tol=1e-12)
    assert answer.scores["no"] == 1.0 - answer.scores["yes"]
    assert answer.raw == {"no": 0.2, "yes": 0.8}


def test_the_threshold_judges_the_calibrated_probability() -> None:
    calibration = IsotonicCalibration(x=(0.0, 0.5, 1.0), y=(0.0, 0.3, 1.0))
    isotonic = BINARY.model_copy(update={"calibration": calibration})
    below, at = answers(isotonic, (0.51, 0.49), (0.5, 0.5))
    assert (below.label, at.label) == ("no", "yes")
    assert at.scores == {"no": 0.7, "yes": 0.3}


def test_calibration_of_a_first_positive_column_keeps_the_columns_apart() -> None:
    calibration = IsotonicCalibration(x=(0.0, 1.0), y=(0.2, 0.4))
    turned = BINARY.model_copy(update={"positive": "no", "calibration": calibration})
    (answer,) = answers(turned, (0.5, 0.5))
    assert answer.scores == {"no": pytest.approx(0.3), "yes": pytest.approx(0.7)}
    assert answer.label == "no"


def test_isotonic_calibration_is_a_line_between_its_points_and_flat_outside() -> None:
    calibrate = calibrator(IsotonicCalibration(x=(0.2, 0.4, 0.8), y=(0.1, 0.5, 0.9)))
    found = calibrate(np.array([0.0, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0]))
    np.testing.assert_allclose(found, [0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9], rtol=1e-15)


@given(st.floats(-1e6, 1e6).filter(bool), st.floats(-1e6, 1e6), st.floats(0, 1))
def test_platt_calibration_always_gives_a_probability(
    slope: float, intercept: float, probability: float
) -> None:
    calibrate = calibrator(PlattCalibration(slope=slope, intercept=intercept))
    (found,) = calibrate(np.array([probability]))
    assert 0.0 <= found <= 1.0


def test_certainty_stays_certain_under_platt_calibration() -> None:
    calibrate = calibrator(PlattCalibration(slope=-0.5, intercept=3.0))
    assert calibrate(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_the_most_probable_class_is_shown_and_the_first_of_equals() -> None:
    clear, tied = answers(GRADES, (0.2, 0.3, 0.5), (0.25, 0.375, 0.375))
    assert (clear.label, tied.label) == ("c", "b")
    assert clear.scores == {"a": 0.2, "b": 0.3, "c": 0.5}
    assert clear.threshold is None


def test_a_number_has_its_name_and_unit_and_no_label() -> None:
    (answer,) = answers(DOSE, (250.5,))
    assert answer == Answer(None, {"dose": 250.5}, None, "mg", {"dose": 250.5})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_never_becomes_an_answer(value: float) -> None:
    message = f"The model gave {value} for row 1"
    with pytest.raises(PackageRefused, match=message):
        answers(DOSE, (1.0,), (value,))
    with pytest.raises(PackageRefused, match=message):
        answers(GRADES, (0.2, 0.3, 0.5), (value, 0.0, 0.0))
    with pytest.raises(PackageRefused, match=message):
        answers(BINARY, (0.5, 0.5), (0.5, value))
    with pytest.raises(PackageRefused, match=message):
        answers(BINARY, (0.5, 0.5), (value, 0.5))


@pytest.mark.parametrize("value", [-0.1, 1.1, 37.0])
def test_what_is_no_probability_never_becomes_an_answer(value: float) -> None:
    with pytest.raises(PackageRefused, match="where a probability must be"):
        answers(BINARY, (0.5, value))


def test_rounding_just_outside_is_brought_back() -> None:
    (answer,) = answers(BINARY, (-1e-7, 1.0000001))
    assert answer.scores == {"no": 0.0, "yes": 1.0}


def test_the_width_of_an_output_is_the_number_of_its_classes_or_one() -> None:
    assert [output_width(output) for output in (BINARY, GRADES, DOSE)] == [2, 3, 1]
