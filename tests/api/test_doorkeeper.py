from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection

import pytest

from bedside.api.doorkeeper import Doorkeeper
from bedside.errors import SignInRefused
from bedside.ledger.events import EventKind
from bedside.people.api_key import Stranger
from bedside.people.people import People
from bedside.people.person import Caller
from bedside.people.signing_in import Recognised
from tests.bedside_site import Hospital

UNKNOWN = "bds_" + "A" * 43


class CountingPeople(People):
    """The people of a site, who count how often a key is looked up, and can be held up.

    Attributes:
        asked: The secrets looked up, one after the other.
        open: Clear it to hold up every look.
        recording: Clear it to hold up the recording of strangers.
    """

    def __init__(self, people: People) -> None:
        self.__dict__.update(people.__dict__)
        self.asked: list[str | None] = []
        self.open = threading.Event()
        self.open.set()
        self.recording = threading.Event()
        self.recording.set()

    def recognise(self, secrets: Collection[str | None], door: str) -> Recognised:
        self.open.wait(10)
        self.asked += secrets
        return super().recognise(secrets, door)

    def turn_away(self, stranger: Stranger, door: str, times: int = 1) -> SignInRefused:
        self.recording.wait(10)
        return super().turn_away(stranger, door, times)


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


def test_who_is_known_goes_in_before_strangers_are_recorded(
    people: CountingPeople, hospital: Hospital
) -> None:
    async def known_among_strangers() -> Caller:
        keeper = Doorkeeper(people, "rest")
        people.recording.clear()
        strangers = [asyncio.create_task(keeper.sign_in(f"x{n}")) for n in range(30)]
        caller = await asyncio.wait_for(keeper.sign_in(hospital["clinician"].secret), 5)
        assert not any(stranger.done() for stranger in strangers)
        people.recording.set()
        outcomes = await asyncio.gather(*strangers, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {SignInRefused}
        return caller

    assert asyncio.run(known_among_strangers()).person.name == "Person clinician"


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
    people.recognise = None  # type: ignore[assignment,method-assign]

    async def all_of_them() -> list[object]:
        keeper = Doorkeeper(people, "rest")
        attempts = [keeper.sign_in(UNKNOWN) for _ in range(2)]
        return list(await asyncio.gather(*attempts, return_exceptions=True))

    outcomes = asyncio.run(all_of_them())
    assert [type(outcome) for outcome in outcomes] == [TypeError] * 2


def test_strangers_that_are_being_recorded_hold_up_no_later_sign_in(
    people: CountingPeople, hospital: Hospital
) -> None:
    async def known_after_strangers() -> Caller:
        keeper = Doorkeeper(people, "rest")
        people.recording.clear()
        first = asyncio.create_task(keeper.sign_in("x1"))
        while keeper._looking is not None or not people.asked:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(keeper.sign_in("x2"))
        try:
            caller = await asyncio.wait_for(keeper.sign_in(hospital["clinician"].secret), 5)
            assert not first.done()
        finally:
            people.recording.set()
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {SignInRefused}
        return caller

    assert asyncio.run(known_after_strangers()).person.name == "Person clinician"
    assert len(hospital.site.ledger.find(kind=EventKind.SIGN_IN_REFUSED)) == 2


def test_a_fault_of_one_look_leaves_nobody_waiting_who_came_meanwhile(
    people: CountingPeople, hospital: Hospital
) -> None:
    looks: list[int] = []
    recognise = people.recognise

    def faulty_once(secrets: Collection[str | None], door: str) -> Recognised:
        looks.append(len(secrets))
        found = recognise(secrets, door)
        if len(looks) == 1:
            raise TypeError("a bug")
        return found

    people.recognise = faulty_once  # type: ignore[method-assign]

    async def one_early_one_late() -> list[object]:
        keeper = Doorkeeper(people, "rest")
        people.open.clear()
        early = asyncio.create_task(keeper.sign_in(hospital["auditor"].secret))
        while not looks:
            await asyncio.sleep(0.001)
        late = asyncio.create_task(keeper.sign_in(hospital["clinician"].secret))
        await asyncio.sleep(0)
        people.open.set()
        both = asyncio.gather(early, late, return_exceptions=True)
        return list(await asyncio.wait_for(both, 5))

    early, late = asyncio.run(one_early_one_late())
    assert isinstance(early, TypeError)
    assert isinstance(late, Caller)
