"""A volume spec with every answer; the people in it are invented, and the heads drawn."""

from __future__ import annotations

from datetime import UTC, datetime

from bedside.canonical import Json
from bedside.freezing.volumes.spec import VolumeSpec, make_volume_spec

WHEN = datetime(2026, 11, 21, 8, tzinfo=UTC)

_SET: dict[str, Json] = {
    "name": "drawn heads",
    "digest": "sha256:" + "0" * 64,
    "rows": 3,
    "licence": "CC0-1.0",
    "consent_basis": "nobody's data",
    "origin": "tests",
}

TWO_CLASSES: Json = [
    {"value": 0, "label": "background"},
    {"value": 1, "label": "brain", "shown": {"en": "brain"}},
]
THREE_CLASSES: Json = [
    {"value": 0, "label": "background"},
    {"value": 1, "label": "white"},
    {"value": 2, "label": "grey"},
]


def volume_answers(**changes: Json) -> dict[str, Json]:
    """Return the answers of a spec for a network of 32³ with two classes."""
    return {
        "name": "tiny-brain",
        "version": "1.0.0",
        "title": {"en": "Tiny brain"},
        "licence": "CC0-1.0",
        "intended_use": {"en": "Tests."},
        "not_for": {"en": "Patients."},
        "claim_level": "demonstration",
        "volume": {
            "media": ["nifti"],
            "modalities": ["MR"],
            "body_parts": ["HEAD"],
            "spacing": {"minimum": 0.5, "maximum": 10.0},
            "field_of_view": {
                "left_right": {"minimum": 100, "maximum": 400},
                "back_front": {"minimum": 100, "maximum": 400},
                "foot_head": {"minimum": 100, "maximum": 400},
            },
            "sides": {"minimum": 16, "maximum": 512},
            "most_voxels": 2**24,
        },
        "preprocessing": [
            {"op": "conform", "side": 32, "spacing": 8.0},
            {"op": "minimum_maximum"},
        ],
        "output": {
            "kind": "segmentation",
            "classes": TWO_CLASSES,
            "activation": "softmax",
            "channels": 2,
            "threshold": {"value": 0.5, "meaning": {"en": "more likely brain than not"}},
        },
        "origin": {
            "trained_by": "the tests",
            "trained_at": "2026-11-21T08:00:00Z",
            "code": "tests",
            "split": "none",
            "data": [_SET],
        },
        "evaluation": {
            "data": _SET,
            "metrics": [
                {
                    "name": "Dice",
                    "value": 0.9,
                    "lower": 0.8,
                    "upper": 1.0,
                    "confidence": 0.95,
                    "method": "invented",
                    "n": 3,
                }
            ],
        },
        "golden": {"cases": 1, "shape": [24, 28, 26], "spacing": [8.0, 8.0, 8.0]},
        **changes,
    }


def volume_spec(**changes: Json) -> VolumeSpec:
    """Return a whole spec; `changes` replace answers."""
    return make_volume_spec(volume_answers(**changes))


def output_of(classes: Json) -> Json:
    """Return the output of a network with one channel for each of `classes`."""
    line = {"value": 0.5, "meaning": {"en": "half"}}
    return {
        "kind": "segmentation",
        "classes": classes,
        "activation": "softmax",
        "channels": len(classes),
        **({"threshold": line} if len(classes) == 2 else {}),
    }
