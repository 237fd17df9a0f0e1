"""Predicted overlaps as packages declare them, for the tests of every room."""

from __future__ import annotations

from typing import Any, Final

from bedside.package.predicted_overlap import OverlapCalibration, OverlapTerm, PredictedOverlap

ERROR: Final = OverlapTerm(doubt="expected-error", scale=0.05, weight=1.5)
BLUNT: Final = OverlapTerm(doubt="blunt", scale=0.1, weight=0.5)


def calibration() -> OverlapCalibration:
    """One of 240 cases of three people."""
    return OverlapCalibration(
        data=f"sha256:{'0' * 64}",
        patients=3,
        cases=240,
        mean_absolute_error=0.03,
        rank_correlation=0.8,
        method="drawn",
    )


def declared(**changes: Any) -> PredictedOverlap:
    """Two terms, flagged below 0.9."""
    parts: dict[str, Any] = {
        "intercept": 5.0,
        "terms": (ERROR, BLUNT),
        "flag_below": 0.9,
        "calibration": calibration(),
    }
    return PredictedOverlap(**{**parts, **changes})
