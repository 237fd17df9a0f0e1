from __future__ import annotations

import asyncio
import threading

import pytest

from bedside.api.doorkeeper import Doorkeeper
from bedside.errors import SignInRefused
from bedside.ledger.events import EventKind
from bedside.people.people import People
from bedside.people.person import Caller
from tests.bedside_site import Hospital

UNKNOWN = "bds_" + "A" * 43


class CountingPeople(People):
    """The people of a site, who count how often a key is looked up, and can be held up."""

    def __init__(self, people: People) -> None:
        self.__dict__.update(people.__dict__)
        self.asked: list[str | None] = []
        self.open = threading.Event()
        self.open.set()

    def sign_in(self, secret: str | None, door: str) -> Caller:
        self.open.wait(10)
        self.asked.append(secret)
        return super().sign_in(secret, door)


@pytest.fixture
def people(hospital: Hospital) -> CountingPeople:
    return CountingPeople(hospital.site.people)


def test_many_with_the_same_key_are_looked_up_together(
    people: CountingPeople, hospital: Hospital
) -> None:
    secret, other = hospital["clinician"].secret, hospital["auditor"].secret

    async def all_of_them() -> list[Caller]:
        keeper = Doorkeeper(people, "rest")
        return await asyncio.gather(*(keeper.sign_in(s) for s in [secret] * 50 + [other]))

    callers = asyncio.run(all_of_them())
    assert {caller.person.name for caller in callers[:50]} == {"Person clinician"}
    assert callers[50].person.name == "Person auditor"
    assert people.asked == [secret, other]


def test_every_refused_attempt_counts(people: CountingPeople, hospital: Hospital) -> None:
    async def all_of_them() -> list[object]:
        keeper = Doorkeeper(people, "rest")
        attempts = [keeper.sign_in(UNKNOWN) for _ in range(3)] + [keeper.sign_in(None)]
        return list(await asyncio.gather(*attempts, return_exceptions=True))

    outcomes = asyncio.run(all_of_them())
    assert [type(outcome) for outcome in outcomes] == [SignInRefused] * 4
    assert len(hospital.site.ledger.find(kind=EventKind.SIGN_IN_REFUSED)) == 4


def test_a_key_revoked_before_the_request_never_opens(
    people: CountingPeople, hospital: Hospital
) -> None:
    """A look that is under way does not answer for a request that comes later."""
    clinician = hospital["clinician"]

    async def one_early_one_late() -> list[object]:
        keeper = Doorkeeper(people, "rest")
        people.open.clear()
        early = asyncio.create_task(keeper.sign_in(clinician.secret))
        await asyncio.sleep(0.05)
        hospital.site.people.revoke_key(
            hospital["administrator"].caller, clinician.caller.credential
        )
        late = asyncio.create_task(keeper.sign_in(clinician.secret))
        await asyncio.sleep(0.05)
        people.open.set()
        return list(await asyncio.gather(early, late, return_exceptions=True))

    _, late = asyncio.run(one_early_one_late())
    assert isinstance(late, SignInRefused)
    assert len(people.asked) == 2


def test_a_fault_reaches_everyone_who_waits(people: CountingPeople) -> None:
    people.sign_in = None  # type: ignore[assignment,method-assign]

    async def all_of_them() -> list[object]:
        keeper = Doorkeeper(people, "rest")
        attempts = [keeper.sign_in(UNKNOWN) for _ in range(2)]
        return list(await asyncio.gather(*attempts, return_exceptions=True))

    outcomes = asyncio.run(all_of_them())
    assert [type(outcome) for outcome in outcomes] == [TypeError] * 2
