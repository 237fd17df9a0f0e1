"""In which thread the work on a request is done: megabytes must not hold up everybody else."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

import pytest

from bedside.api import answers, routes
from bedside.api.requests import PredictRequest, read_predict
from bedside.serving.serving import INLINE_BYTES
from bedside.serving.together import Together, Wanted
from bedside.serving.values import Prediction
from bedside.site.settings import Limits
from tests.api.client import Client
from tests.bedside_site import MODEL, ROW, Hospital

PREDICT = f"/v1/models/{MODEL}/predict"


@pytest.mark.parametrize(
    ("length", "rows", "inline"),
    [
        (INLINE_BYTES, 1, {"read": True, "compute": True, "tell": True}),
        (INLINE_BYTES + 1, 1, {"read": False, "compute": False, "tell": True}),
        (0, 17, {"read": True, "compute": False, "tell": False}),
    ],
)
def test_what_is_large_is_done_off_the_event_loop(
    client: Client,
    hospital: Hospital,
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    rows: int,
    inline: dict[str, bool],
) -> None:
    hospital.site.subject_keys.for_nobody()  # so that there are keys at hand
    seen: dict[str, bool] = {}
    tell = answers.predicted_response
    compute = hospital.site.serving._attempt

    def note(step: str) -> None:
        seen[step] = threading.current_thread() is threading.main_thread()  # the client's loop

    def reading(data: bytes, limits: Limits) -> PredictRequest:
        note("read")
        return read_predict(data, limits)

    def computing(*given: object) -> object:
        note("compute")
        return compute(*given)  # type: ignore[arg-type]

    worked = Together._worked

    def working(together: Together, group: Sequence[Wanted]) -> object:
        note("compute")
        return worked(together, group)

    def telling(predictions: Sequence[Prediction], *, many: bool) -> object:
        note("tell")
        return tell(predictions, many=many)

    monkeypatch.setattr(routes, "read_predict", reading)
    monkeypatch.setattr(hospital.site.serving, "_attempt", computing)
    monkeypatch.setattr(Together, "_worked", working)
    monkeypatch.setattr(answers, "predicted_response", telling)
    body = json.dumps({"inputs": [{"input": ROW}] * rows}).encode().ljust(length)
    headers = hospital["clinician"].headers | {"content-type": "application/json"}
    sent = client.post(PREDICT, content=body, headers=headers)
    assert sent.status_code == 200
    assert seen == inline
