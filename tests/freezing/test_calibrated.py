from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier

from tests.freezing.test_convert import frozen_scores
from tests.freezing.test_forest import outcomes, patients


@pytest.mark.parametrize("together", [True, False])
def test_an_isotonic_calibration_of_a_forest_is_exact_on_every_knot(together: bool) -> None:
    x, rows = patients(600, 1), patients(3000, 2, decimals=3)
    forest = RandomForestClassifier(100, random_state=0)
    model = CalibratedClassifierCV(forest, method="isotonic", cv=3, ensemble=together)
    model.fit(x, outcomes(x, 2))
    np.testing.assert_array_equal(frozen_scores(model, rows, 2), model.predict_proba(rows))


def test_classes_that_no_calibrator_believes_in_are_equally_likely() -> None:
    x = patients(60, 1)
    model = CalibratedClassifierCV(
        RandomForestClassifier(3, random_state=0), method="isotonic", cv=2, ensemble=False
    ).fit(x, outcomes(x, 3))
    for calibrator in model.calibrated_classifiers_[0].calibrators:
        calibrator.y_thresholds_[:] = 0.0
        calibrator._build_f(calibrator.X_thresholds_, calibrator.y_thresholds_)
    assert frozen_scores(model, x, 3).tolist() == [[1 / 3, 1 / 3, 1 / 3]] * len(x)
    np.testing.assert_array_equal(frozen_scores(model, x, 3), model.predict_proba(x))
