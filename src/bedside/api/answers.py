"""Answers as JSON: built straight from the values, without a second pass over them.

Every member is named here, so that a new field of a value is not told before somebody decides to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.responses import Response

from bedside.canonical import Json
from bedside.package.fields import Text
from bedside.package.manifest import Manifest
from bedside.registry.told import release_told
from bedside.serving.explanations import explanation_told
from bedside.serving.flags import flags_told
from bedside.serving.released import Loaded, Standing
from bedside.serving.sentence import told
from bedside.serving.values import Prediction, Readiness


def json_response(value: Json, status: int = 200) -> Response:
    """Return `value` as a JSON response."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(data.encode("utf-8"), status_code=status, media_type="application/json")


def predicted_response(predictions: Sequence[Prediction], *, many: bool) -> Response:
    """Return the HTTP answer to a prediction, in the form in which it was asked for."""
    return json_response(many_answers(predictions) if many else one_answer(predictions[0]))


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
        mode="json",
        include={*kept, "licence", "input", "postprocessing", "explanation", "evaluation"},
    )
    return whole


def readiness_told(readiness: Readiness) -> dict[str, Json]:
    """Return a model's readiness as JSON."""
    return {
        "model": readiness.model,
        "version": readiness.version,
        "epoch": readiness.epoch,
        "ready": readiness.ready,
        "reason": readiness.reason,
        "advice": readiness.advice,
    }


def standing_told(found: Standing) -> dict[str, Json]:
    """Return a released version as JSON: whether it answers here, and if not, why."""
    error = None if isinstance(found, Loaded) else found.error
    return {
        "release": release_told(found.release),
        "ready": error is None,
        "reason": error.message if error else "",
        "advice": error.advice if error else "",
    }


def nothing_released(readiness: Readiness) -> dict[str, Json]:
    """Return the same members as `standing_told` for a model of which nothing answers."""
    return {
        "release": None,
        "ready": False,
        "reason": readiness.reason,
        "advice": readiness.advice,
    }


def _row(prediction: Prediction) -> dict[str, Json]:
    row: dict[str, Json] = {
        "id": prediction.id,
        "label": prediction.label,
        "shown": _shown(prediction.manifest, prediction.label),
        "scores": prediction.scores,
        "recorded": {"index": prediction.index, "at": prediction.at},
    }
    if prediction.picture is None and prediction.explanation is None:
        return row  # a row of fields, as it was before there were pictures
    return row | _more(prediction)


def _more(prediction: Prediction) -> dict[str, Json]:
    """Return what an answer about a picture, or an explained one, has besides."""
    more: dict[str, Json] = {
        "told": told(prediction.manifest, prediction),
        "flags": flags_told(prediction.flags),
    }
    if prediction.explanation is not None:
        more["explanation"] = explanation_told(prediction.explanation)
    return more


def _common(prediction: Prediction) -> dict[str, Json]:
    manifest = prediction.manifest
    output = manifest.row_output
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
    output = manifest.row_output
    if output.kind == "number":
        return {}
    return next(one.shown for one in output.classes if one.label == label)
