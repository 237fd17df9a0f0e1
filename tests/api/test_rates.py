"""How often a key and a person may ask, and what they are told when it is too often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.api.app import create_app
from bedside.api.rates import MOST_BUCKETS, TAKEN, TOLD, Buckets, Rates
from bedside.errors import TooOften, Unavailable
from bedside.people.person import Caller, Person
from bedside.site.settings import Limits
from tests.api.client import client_of
from tests.bedside_site import MODEL, ROW, Hospital

PATH = f"/v1/models/{MODEL}/predict"


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def rates(seconds: Seconds, **limits: int) -> Rates:
    return Rates(Limits(**limits), lambda: datetime(2026, 11, 21, tzinfo=UTC), seconds)


def taken(one: Rates, key: str, person: str, times: int) -> int:
    """Ask so many times, each answered at once; return how many were let through."""
    through = 0
    for _ in range(times):
        try:
            one.take(key, person)
        except TooOften:
            continue
        one.leave(person)
        through += 1
    return through


def test_a_key_may_ask_in_a_burst_and_then_at_its_rate(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=10, key_burst=30)
    assert taken(one, "k", "p", 100) == 30
    seconds.now += 1.0
    assert taken(one, "k", "p", 100) == 10
    seconds.now += 3600.0
    assert taken(one, "k", "p", 100) == 30, "a burst does not grow"


def test_each_key_has_its_own_and_a_person_has_one_for_all(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=10, key_burst=30, person_per_second=10, person_burst=50)
    assert taken(one, "k", "p", 100) == 30
    assert taken(one, "l", "p", 100) == 20
    assert taken(one, "m", "q", 100) == 30


def test_what_the_person_may_not_costs_the_key_nothing(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=1, key_burst=100, person_per_second=1, person_burst=10)
    assert taken(one, "k", "p", 50) == 10
    assert taken(one, "k", "q", 200) == 10
    assert taken(one, "k", "r", 200) == 10


def test_zero_is_no_limit(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=0, person_per_second=0)
    assert taken(one, "k", "p", 100_000) == 100_000


def test_the_refusal_says_when_to_come_back_and_that_is_true(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=4, key_burst=8)
    assert taken(one, "k", "p", 8) == 8
    with pytest.raises(TooOften, match="more than 4 times a second") as refused:
        one.take("k", "p")
    assert refused.value.quota == ("key", 8, 2)
    seconds.now += refused.value.wait * 0.99
    assert taken(one, "k", "p", 1) == 0
    seconds.now += refused.value.wait * 0.02
    assert taken(one, "k", "p", 1) == 1


@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 60)), max_size=30),
)
def test_nobody_gets_more_than_burst_and_rate_however_they_ask(
    rate: int, burst: int, asking: list[tuple[float, int]]
) -> None:
    now, through = 0.0, 0
    buckets = Buckets("key", rate, burst)
    for pause, times in asking:
        now += pause
        for _ in range(times):
            try:
                buckets.take("k", now)
            except TooOften:
                continue
            through += 1
    assert through <= burst + rate * now + 1e-6


def test_the_number_of_buckets_is_bounded_and_an_empty_one_is_kept(seconds: Seconds) -> None:
    buckets = Buckets("key", 1, 10)
    for _ in range(10):
        buckets.take("spent", 0.0)
    for number in range(MOST_BUCKETS * 3):
        buckets.take(f"k{number}", number * 0.001)
    assert len(buckets) <= MOST_BUCKETS
    buckets = Buckets("key", 1, 10)
    for _ in range(10):
        buckets.take("spent", 0.0)
    for number in range(MOST_BUCKETS + 5):
        buckets.take(f"k{number}", number * 0.0001)
    with pytest.raises(TooOften):
        buckets.take("spent", 0.1)


def test_the_state_is_told_when_little_is_left(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=10, key_burst=40)
    told = [one.take("k", "p") for _ in range(40)]
    assert told[:30] == [None] * 30
    assert told[31] == (b"ratelimit", b'"key";r=8;t=4')
    assert told[39] == (b"ratelimit", b'"key";r=0;t=4')


def test_one_person_never_has_all_that_is_in_flight(seconds: Seconds) -> None:
    one = rates(seconds, concurrent=8)
    for number in range(6):
        one.take(f"k{number}", "p")
    with pytest.raises(Unavailable, match="6 of your requests are being answered"):
        one.take("k9", "p")
    one.take("k", "q")
    one.leave("p")
    one.take("k9", "p")


def caller(expires_at: str | None) -> Caller:
    return Caller(Person("p", "N", frozenset(), True, ""), "rest", "k", expires_at)


def test_a_request_is_admitted_once_however_often_it_is_asked(seconds: Seconds) -> None:
    one = rates(seconds, key_per_second=1, key_burst=2)
    scope: dict[str, Any] = {}
    for _ in range(5):
        one.admit(scope, caller(None))
    assert scope == {TAKEN: "p", TOLD: [(b"ratelimit", b'"key";r=1;t=1')]} or TAKEN in scope
    one.admit({}, caller(None))
    with pytest.raises(TooOften):
        one.admit({}, caller(None))


@pytest.mark.parametrize(("days", "told"), [(13, True), (15, False)])
def test_whoever_uses_a_key_that_ends_soon_is_told(
    seconds: Seconds, days: int, *, told: bool
) -> None:
    ends = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(days=days)
    until = ends.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    scope: dict[str, Any] = {}
    rates(seconds).admit(scope, caller(until))
    assert scope[TOLD] == ([(b"bedside-key-expires", until.encode())] if told else [])


def limited(hospital: Hospital, **limits: int) -> None:
    changed = hospital.site.settings.limits.model_copy(update=limits)
    hospital.site.settings = hospital.site.settings.model_copy(update={"limits": changed})


def test_whoever_asks_too_often_is_told_429_and_others_are_not(hospital: Hospital) -> None:
    limited(hospital, key_per_second=1, key_burst=5)
    with client_of(create_app(hospital.site)) as client:
        asker = hospital["clinician"].headers
        answers = [client.post(PATH, json={"input": ROW}, headers=asker) for _ in range(8)]
        other = client.get("/v1/models", headers=hospital["auditor"].headers)
        alive = client.get("/healthz")
    statuses = [answer.status_code for answer in answers]
    assert statuses[:5] == [200] * 5
    assert 429 in statuses[5:]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) == 1
    assert refused.headers["ratelimit-policy"] == '"key";q=5;w=5'
    assert refused.headers["ratelimit"] == '"key";r=0;t=1'
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:bedside:problem:too-often"
    assert refused.json()["title"] == "Too often"
    assert (other.status_code, alive.status_code) == (200, 200)
    recorded = sum(1 for entry in hospital.site.ledger.entries() if entry.kind == "prediction")
    assert recorded == statuses.count(200), "a request that came too often leaves nothing behind"


def test_no_place_in_flight_is_lost(hospital: Hospital) -> None:
    """However requests end: answered, refused by the gate, not permitted, not found, or too often."""
    limited(hospital, concurrent=4, key_per_second=1, key_burst=20)
    asker = hospital["clinician"].headers
    with client_of(create_app(hospital.site)) as client:
        for _ in range(3):
            client.post(PATH, json={"input": ROW}, headers=asker)
            client.post(PATH, json={"input": {}}, headers=asker)
            client.post(PATH, content=b"x", headers=asker)
            client.post("/v1/models/none/predict", json={"input": ROW}, headers=asker)
            client.get("/metrics", headers=asker)
            client.get("/v1/predictions/none/trace", headers=asker)
            client.at_once(PATH, 6, json={"input": ROW}, headers=asker)
        held = client.app.state.rates.in_flight
    assert held == {}


def test_a_key_that_ends_soon_says_so_in_every_answer(hospital: Hospital) -> None:
    people, admin = hospital.site.people, hospital["administrator"].caller
    owner = hospital["clinician"].caller.person.id
    ends = datetime.now(UTC) + timedelta(days=3)
    key = people.issue_key(admin, owner, "soon", ends)
    with client_of(create_app(hospital.site)) as client:
        answer = client.get("/v1/models", headers={"authorization": f"Bearer {key.secret}"})
        usual = client.get("/v1/models", headers=hospital["clinician"].headers)
    assert answer.headers["bedside-key-expires"].startswith(ends.strftime("%Y-%m-%dT%H:%M"))
    assert "bedside-key-expires" not in usual.headers
