from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bedside.clock import timestamp
from tests.api.client import Client
from tests.bedside_site import MODEL, Hospital

ONE_TICK = timedelta(microseconds=1)


def asked(client: Client, hospital: Hospital, at: str | None) -> dict[str, str]:
    """Model → version that answered at a moment, as the API tells it."""
    params = {} if at is None else {"at": at}
    sent = client.get("/v1/releases", params=params, headers=hospital["clinician"].headers)
    assert sent.status_code == 200, sent.text
    return {one["model"]: one["version"] for one in sent.json()["released"]}


def test_what_answered_is_told_to_the_microsecond(client: Client, hospital: Hospital) -> None:
    hospital.release(version="2.0.0")
    second = hospital.site.registry.released_for(MODEL)
    since = datetime.fromisoformat(second.since)
    assert asked(client, hospital, None) == {MODEL: "2.0.0"}
    assert asked(client, hospital, second.since) == {MODEL: "2.0.0"}
    assert asked(client, hospital, timestamp(since - ONE_TICK)) == {MODEL: "1.2.3"}
    assert asked(client, hospital, "2020-01-01T00:00:00Z") == {}


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("yesterday", "'yesterday' is not a time"),
        ("2026-11-21T10:00:00", "has no zone"),
        ("9999-12-31T23:59:59-09:00", "no time that can be said in UTC"),
        ("9000-01-01T00:00:00Z", "has not come yet"),
    ],
)
def test_a_moment_that_cannot_be_is_told(
    client: Client, hospital: Hospital, at: str, message: str
) -> None:
    headers = hospital["clinician"].headers
    sent = client.get("/v1/releases", params={"at": at}, headers=headers)
    assert (sent.status_code, message in sent.json()["detail"]) == (400, True), sent.text


def test_nobody_asks_without_a_key(client: Client) -> None:
    assert client.get("/v1/releases").status_code == 401
