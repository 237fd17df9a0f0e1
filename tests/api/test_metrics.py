from __future__ import annotations

from typing import NoReturn

import pytest

from bedside.errors import Unavailable
from bedside.ledger.ledger import Ledger
from tests.api.client import Client
from tests.bedside_site import MODEL, Hospital


def test_a_gauge_that_fails_is_left_out_and_the_rest_is_told(
    client: Client, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = hospital["operator"].headers
    size = hospital.site.ledger.head().size
    assert f"bedside_ledger_entries {size}.0" in client.get("/metrics", headers=headers).text

    def fails(_: Ledger) -> NoReturn:
        raise Unavailable("The database is busy.")

    monkeypatch.setattr(Ledger, "head", fails)
    sent = client.get("/metrics", headers=headers)
    assert sent.status_code == 200
    assert "bedside_ledger_entries" not in sent.text
    assert f'bedside_model_ready{{model="{MODEL}",version="1.2.3"}} 1.0' in sent.text
    assert 'bedside_requests_total{route="metrics_text",status="200"} 1.0' in sent.text
