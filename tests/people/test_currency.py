from __future__ import annotations

from bedside.ledger.ledger import Ledger
from bedside.people.currency import people_fence
from bedside.people.people import People
from bedside.people.permissions import Action, Role
from bedside.people.person import Caller


def test_each_act_on_people_and_keys_advances_the_fence_of_people(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    values = [people_fence(ledger).value]

    def moved() -> bool:
        values.append(people_fence(ledger).value)
        return values[-1] > values[-2]

    person = people.add(admin, "Nina New", {Role.CLINICIAN})
    assert moved()
    key = people.issue_key(admin, person.id, "tablet")
    assert moved()
    people.set_roles(admin, person.id, {Role.AUDITOR})
    assert moved()
    people.revoke_key(admin, key.id)
    assert moved()
    people.deactivate(admin, person.id)
    assert moved()
    people.reactivate(admin, person.id)
    assert moved()


def test_what_is_no_act_on_people_leaves_it_alone(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    person = people.add(admin, "Nina New", {Role.DEVELOPER})
    key = people.issue_key(admin, person.id, "tablet")
    before = people_fence(ledger)
    developer = people.sign_in(key.secret, "rest")
    with people.acting(developer, Action.PACKAGE_ADD):
        pass
    assert people_fence(ledger) == before
