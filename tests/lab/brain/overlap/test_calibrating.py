"""The whole calibration, of a network that calls bright what is bright."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.canonical import canonical_bytes, digest
from bedside.errors import UsageError
from bedside.lab.brain.network import NetworkSettings
from bedside.lab.brain.overlap.calibrating import Calibrated, calibrate
from bedside.lab.brain.overlap.gathering import Recipe
from bedside.lab.brain.overlap.settings import CalibrationSettings
from bedside.lab.brain.recipe import operations, output
from bedside.package.predicted_overlap import PredictedOverlap


def bright(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(8) * (tensor - np.float32(0.4))


def recipe() -> Recipe:
    return Recipe(operations(2.0, NetworkSettings(widths=(8, 12))), output())


@pytest.fixture(scope="module")
def found(heads: list[Path], small: CalibrationSettings) -> Calibrated:
    done = []
    made = calibrate(bright, recipe(), heads, small, lambda one, all_: done.append((one, all_)))
    assert done[-1] == (38, 38)
    return made


def test_is_what_a_package_declares(found: Calibrated) -> None:
    told = json.dumps(found.report["predicted_overlap"])
    assert PredictedOverlap.model_validate_json(told) == found.predicted
    assert found.predicted.calibration.patients == 2
    assert 30 <= found.predicted.calibration.cases <= 38


def test_its_digest_is_that_of_the_cases_in_the_report(found: Calibrated) -> None:
    assert digest(canonical_bytes(found.report["data"])) == found.predicted.calibration.data


def test_tells_how_good_it_is_by_what_was_done(found: Calibrated) -> None:
    told = found.report["by_hardship"]
    assert sum(one["cases"] for one in told.values()) == found.predicted.calibration.cases
    assert found.report["flags"]["bad"] >= found.report["flags"]["bad_flagged"]


def test_has_a_picture(found: Calibrated) -> None:
    assert found.picture.startswith(b"\x89PNG")


def test_a_network_that_finds_nothing_is_refused(
    heads: list[Path], small: CalibrationSettings
) -> None:
    few = small.model_copy(update={"cases": 30})
    with pytest.raises(UsageError, match="in 0 only"):
        calibrate(lambda tensor: tensor * 0 - 9, recipe(), heads, few)
