"""A key that is revoked, or ends, while a request's body comes: nothing is recorded under it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from bedside.api.app import create_app
from bedside.canonical import Json
from bedside.clock import system_clock
from bedside.ledger.events import EventKind
from tests import bedside_site
from tests.api.client import Client, client_of
from tests.bedside_site import MODEL, Hospital

PREDICT = f"/v1/models/{MODEL}/predict"
ROW: dict[str, Json] = {"radius": 20.5, "sex": "male", "age": 71}


def sent_slowly(
    client: Client, path: str, body: Json, headers: dict[str, str], meanwhile: Callable[[], object]
) -> httpx.Response:
    """Send a request in whose body something happens."""
    data = json.dumps(body).encode()

    async def parts() -> AsyncIterator[bytes]:
        yield data[:5]
        await asyncio.to_thread(meanwhile)
        yield data[5:]

    headers = headers | {"content-type": "application/json", "content-length": str(len(data))}
    return client.post(path, content=parts(), headers=headers)


def test_a_key_that_is_revoked_while_the_body_comes_gets_nothing_recorded_by_any_route(
    client: Client, hospital: Hospital
) -> None:
    site, clinician = hospital.site, hospital["clinician"].caller
    one = client.post(PREDICT, json={"input": ROW}, headers=hospital["clinician"].headers).json()
    tensors = [
        {"name": name, "datatype": kind, "shape": [1], "data": [ROW[name]]}
        for name, kind in (("radius", "FP64"), ("sex", "BYTES"), ("age", "INT64"))
    ]
    requests: dict[str, Json] = {
        PREDICT: {"inputs": [{"input": ROW}, {"input": ROW}]},
        f"/v2/models/{MODEL}/infer": {"inputs": tensors},
        f"/v1/predictions/{one['id']}/decision": {"verdict": "agree"},
    }
    before = site.ledger.head().size
    for path, body in requests.items():
        key = site.people.issue_key(hospital["administrator"].caller, clinician.person.id, "x")
        headers = {"authorization": f"Bearer {key.secret}"}
        revoke = partial(site.people.revoke_key, hospital["administrator"].caller, key.id)
        sent = sent_slowly(client, path, body, headers, revoke)
        assert (sent.status_code, f"{key.id} of" in sent.text) == (403, True), sent.text
    kinds = {entry.kind for entry in site.ledger.entries(before)}
    assert kinds == {"key-created", "key-revoked", "permission-refused"}


@pytest.mark.parametrize(
    ("by_lane", "status"), [(True, 401), (False, 403)], ids=["by the lane", "by the route"]
)
def test_a_key_that_ends_while_the_body_comes_gets_nothing_recorded(
    tmp_path: Path, by_lane: bool, status: int
) -> None:
    later = [timedelta()]
    built = bedside_site.build(tmp_path / "other", lambda: system_clock() + later[-1])
    built.release()
    ends = system_clock() + timedelta(hours=1)
    people, clinician = built.site.people, built["clinician"].caller.person.id
    key = people.issue_key(built["administrator"].caller, clinician, "short", ends)
    headers = {"authorization": f"Bearer {key.secret}"}
    with client_of(create_app(built.site)) as client:
        if by_lane:  # who came in a moment ago is known
            sent = client.post(PREDICT, json={"input": ROW}, headers=headers)
            assert sent.status_code == 200
        end = partial(later.append, timedelta(hours=1))
        sent = sent_slowly(client, PREDICT, {"input": ROW}, headers, end)
    assert sent.status_code == status, sent.text
    assert len(built.site.ledger.find(kind=EventKind.PREDICTION)) == by_lane
    built.site.close()
