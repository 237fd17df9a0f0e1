"""Lock-out at the door: who waits, who does not, what is recorded, and what stands in the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from bedside.api.app import create_app
from bedside.people.api_key import new_secret
from bedside.people.lockout import FREE, LOOKS, Lockout
from bedside.site.proxy_settings import ProxySettings
from tests.bedside_site import Hospital

PATH = "/v1/models"


class Door:
    """Sends requests that come from any address."""

    def __init__(self, app: Any, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    def ask(self, address: str, secret: str | None, **headers: str) -> httpx.Response:
        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                sent = {**headers} | ({"authorization": f"Bearer {secret}"} if secret else {})
                return await client.get(PATH, headers=sent)

        return self._runner.run(one())

    def settle(self) -> None:
        """Let what is counted behind an answer be written."""
        self._runner.run(asyncio.sleep(0.3))


@contextmanager
def opened(hospital: Hospital) -> Iterator[Door]:
    with asyncio.Runner() as runner:
        yield Door(create_app(hospital.site), runner)


@pytest.fixture
def door(hospital: Hospital) -> Iterator[Door]:
    with opened(hospital) as one:
        yield one


def guess(door: Door, address: str, times: int, **headers: str) -> list[int]:
    return [door.ask(address, new_secret(), **headers).status_code for _ in range(times)]


def test_whoever_guesses_waits_and_nobody_else_does(door: Door, hospital: Hospital) -> None:
    good = hospital["clinician"].secret
    assert guess(door, "192.0.2.1", FREE) == [401] * FREE
    refused = door.ask("192.0.2.1", new_secret())
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert "ratelimit" not in refused.headers
    assert refused.json()["type"] == "urn:bedside:problem:too-often"
    assert door.ask("192.0.2.1", good).status_code == 200, "whoever is good is not put out"
    assert door.ask("192.0.2.2", hospital["auditor"].secret).status_code == 200
    assert door.ask("192.0.2.1", new_secret()).status_code == 429


def test_a_lock_that_is_kept_up_puts_out_no_good_key_that_was_never_seen(
    door: Door, hospital: Hospital
) -> None:
    seconds = [50.0]
    lockout = Lockout(now=lambda: seconds[0])
    door.app.state.doorkeeper.lockout = lockout
    for _ in range(FREE * 2):
        lockout.refused("192.0.2.1", new_secret())
    good = hospital["clinician"].secret
    assert guess(door, "192.0.2.1", LOOKS) == [429] * LOOKS
    assert door.ask("192.0.2.1", good).status_code == 429, "the looks of this second are used up"
    seconds[0] += 1
    assert door.ask("192.0.2.1", good).status_code == 200
    assert guess(door, "192.0.2.1", LOOKS) == [429] * LOOKS
    assert door.ask("192.0.2.1", good).status_code == 200, "who is in needs no look"


def test_an_ipv6_neighbour_in_the_same_64_bits_is_the_same(door: Door) -> None:
    for number in range(FREE):
        guess(door, f"2001:db8:0:1::{number + 1:x}", 1)
    assert guess(door, "2001:db8:0:1:ffff::1", 1) == [429]
    assert guess(door, "2001:db8:0:2::1", 1) == [401]


def test_a_device_with_a_revoked_key_does_not_lock_out_its_ward(
    door: Door, hospital: Hospital
) -> None:
    admin = hospital["administrator"].caller
    old = hospital.site.people.issue_key(admin, hospital["clinician"].caller.person.id, "old")
    hospital.site.people.revoke_key(admin, old.id)
    told = [door.ask("192.0.2.1", old.secret).status_code for _ in range(FREE + 20)]
    assert told == [401] * FREE + [429] * 20
    assert door.ask("192.0.2.1", hospital["clinician"].secret).status_code == 200


def test_a_proxy_that_is_not_trusted_is_not_believed(door: Door) -> None:
    for number in range(FREE):
        guess(door, "192.0.2.1", 1, **{"x-forwarded-for": f"198.51.100.{number}"})
    assert guess(door, "192.0.2.1", 1, **{"x-forwarded-for": "198.51.100.77"}) == [429]


def test_behind_a_trusted_proxy_the_clients_are_counted_and_not_the_proxy(
    hospital: Hospital,
) -> None:
    proxy = ProxySettings(trusted=("192.0.2.0/24",))
    hospital.site.settings = hospital.site.settings.model_copy(update={"proxy": proxy})
    with opened(hospital) as door:
        attacker = {"x-forwarded-for": "203.0.113.5, 198.51.100.1"}
        assert guess(door, "192.0.2.1", FREE + 1, **attacker) == [401] * FREE + [429]
        assert guess(door, "192.0.2.1", 1, **{"x-forwarded-for": "198.51.100.2"}) == [401]
        assert guess(door, "192.0.2.1", 1) == [401]


def test_attempts_that_are_not_looked_at_are_recorded_as_a_flood_is(
    door: Door, hospital: Hospital
) -> None:
    before = hospital.site.ledger.head().size
    guess(door, "192.0.2.1", FREE + 60)
    door.settle()
    entries = [entry for entry in hospital.site.ledger.entries() if entry.index >= before]
    reasons = [
        entry.value["body"]["reason"] for entry in entries if entry.kind == "sign-in-refused"
    ]
    assert reasons.count("unknown") == FREE
    minutes = len({entry.value["at"][:16] for entry in entries})  # 2 if one ended meanwhile
    assert 1 <= reasons.count("locked") <= 20 * minutes
    assert len(reasons) <= 21 * minutes
    assert "192.0.2.1" not in str([entry.value for entry in entries]), "an address is personal"
    hospital.site.people.sum_up_refused_sign_ins()


def test_whoever_sends_no_key_is_told_so_however_often(door: Door) -> None:
    told = [door.ask("192.0.2.1", None).status_code for _ in range(FREE * 2)]
    assert told == [401] * FREE * 2
