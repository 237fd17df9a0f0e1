"""Answers as JSON: built straight from the values, without a second pass over them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.responses import Response

from bedside.canonical import Json
from bedside.package.fields import Text
from bedside.package.manifest import Manifest
from bedside.registry.lifecycle import VersionRecord
from bedside.registry.release import HistoryEntry, Release
from bedside.serving.values import Prediction, Readiness


def json_response(value: Json, status: int = 200) -> Response:
    """Return `value` as a JSON response."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(data.encode("utf-8"), status_code=status, media_type="application/json")


def one_answer(prediction: Prediction) -> dict[str, Json]:
    """Return the answer to a request with one row."""
    return _row(prediction) | _common(prediction)


def many_answers(predictions: Sequence[Prediction]) -> dict[str, Json]:
    """Return the answer to a request with many rows; what they share stands once."""
    return {"predictions": [_row(one) for one in predictions]} | _common(predictions[0])


def model_summary(manifest: Manifest) -> dict[str, Json]:
    """Return what a client should know of a model before using it."""
    kept = ("name", "version", "title", "intended_use", "not_for", "claim_level", "languages")
    whole: dict[str, Json] = manifest.model_dump(
        mode="json", include={*kept, "licence", "input", "postprocessing", "evaluation"}
    )
    return whole


def release_told(release: Release) -> dict[str, Json]:
    """Return a release as JSON."""
    return _slots(release)


def history_told(entry: HistoryEntry) -> dict[str, Json]:
    """Return one epoch of a model as JSON."""
    return _slots(entry)


def version_told(record: VersionRecord) -> dict[str, Json]:
    """Return a version as JSON, with its approvals."""
    return _slots(record) | {"approvals": [_slots(one) for one in record.approvals]}


def readiness_told(readiness: Readiness) -> dict[str, Json]:
    """Return a model's readiness as JSON."""
    return _slots(readiness)


def _row(prediction: Prediction) -> dict[str, Json]:
    return {
        "id": prediction.id,
        "label": prediction.label,
        "shown": _shown(prediction.manifest, prediction.label),
        "scores": prediction.scores,
        "recorded": {"index": prediction.index, "at": prediction.at},
    }


def _common(prediction: Prediction) -> dict[str, Json]:
    manifest = prediction.manifest
    output = manifest.postprocessing
    threshold = None
    if output.kind == "binary":
        threshold = {"value": prediction.threshold, "meaning": output.threshold.meaning}
    return {
        "model": manifest.name,
        "version": manifest.version,
        "package": prediction.package,
        "threshold": threshold,
        "use": {
            "claim_level": manifest.claim_level,
            "intended_use": manifest.intended_use,
            "not_for": manifest.not_for,
        },
    }


def _shown(manifest: Manifest, label: str | None) -> Text:
    output = manifest.postprocessing
    if output.kind == "number":
        return {}
    return next(one.shown for one in output.classes if one.label == label)


def _slots(value: Release | HistoryEntry | VersionRecord | Readiness | object) -> dict[str, Json]:
    names: tuple[str, ...] = getattr(type(value), "__slots__", ())
    return {name: getattr(value, name) for name in names}
