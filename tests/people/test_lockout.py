"""Who must wait after refused sign-ins, for how long, and that nobody else must."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import TooOften
from bedside.people.api_key import new_secret
from bedside.people.lockout import (
    BEGINNING,
    FORGOTTEN,
    FREE,
    LONGEST,
    LOOKS,
    LOOKS_OF_ALL,
    REMEMBERED,
    Lockout,
    group_of,
)


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def lockout(seconds: Seconds) -> Lockout:
    return Lockout(now=seconds)


def waits(lockout: Lockout, address: str, secret: str | None = None) -> float:
    try:
        lockout.check(address, secret or new_secret())
    except TooOften as refused:
        return refused.wait
    return 0.0


def refuse(lockout: Lockout, address: str, times: int, secret: str | None = None) -> None:
    for _ in range(times):
        lockout.refused(address, secret or new_secret())


def test_a_few_refusals_cost_nothing_and_then_the_wait_doubles(
    lockout: Lockout, seconds: Seconds
) -> None:
    refuse(lockout, "a", FREE - 1)
    assert waits(lockout, "a") == 0
    waited = []
    for _ in range(12):
        refuse(lockout, "a", 1)
        waited.append(waits(lockout, "a"))
        seconds.now += waited[-1]
        assert waits(lockout, "a") == 0, "when the time is over, the next one is looked at"
    assert waited == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert max(waited) == LONGEST


def test_another_address_waits_for_nothing(lockout: Lockout) -> None:
    refuse(lockout, "a", 100)
    assert waits(lockout, "a") > 0
    assert waits(lockout, "b") == 0


def test_a_device_with_an_outdated_key_locks_out_itself_alone(lockout: Lockout) -> None:
    """Behind one address of a hospital there are many: one that repeats one key is not guessing."""
    outdated = new_secret()
    refuse(lockout, "hospital", 1000, outdated)
    assert waits(lockout, "hospital", outdated) == LONGEST
    assert waits(lockout, "elsewhere", outdated) == LONGEST
    assert waits(lockout, "hospital") == 0


def test_whoever_is_in_stays_in(lockout: Lockout) -> None:
    good = new_secret()
    lockout.opened(good)
    refuse(lockout, "a", 100)
    assert waits(lockout, "a") > 0
    assert waits(lockout, "a", good) == 0


def test_who_shares_an_address_with_a_guesser_is_looked_up_all_the_same(
    lockout: Lockout, seconds: Seconds
) -> None:
    refuse(lockout, "a", 100)
    assert [lockout.may_look("a", new_secret()) for _ in range(LOOKS + 1)] == [True] * LOOKS + [
        False
    ]
    assert lockout.may_look("b", new_secret()), "each address has its own"
    seconds.now += 1
    assert lockout.may_look("a", new_secret())
    assert waits(lockout, "a") > 0, "a look is no pardon"


def test_all_addresses_together_are_looked_up_only_so_often(lockout: Lockout) -> None:
    looks = [lockout.may_look(str(number), new_secret()) for number in range(LOOKS_OF_ALL + 50)]
    assert sum(looks) == LOOKS_OF_ALL


def test_what_waits_by_itself_or_is_no_key_is_not_looked_up(lockout: Lockout) -> None:
    outdated, seen = new_secret(), new_secret()[:BEGINNING]
    refuse(lockout, "a", 100, outdated)
    for number in range(FREE):
        lockout.refused(f"address {number}", seen + secrets.token_urlsafe(30)[:35])
    assert not lockout.may_look("a", outdated)
    assert not lockout.may_look("a", seen + "A" * 35)
    assert not lockout.may_look("a", "bds_short")
    assert not lockout.may_look("a", None)


def test_a_key_that_no_longer_opens_is_nobodys_who_is_in(lockout: Lockout) -> None:
    revoked = new_secret()
    lockout.opened(revoked)
    refuse(lockout, "a", FREE, revoked)
    assert waits(lockout, "b", revoked) > 0


def test_whoever_tries_the_rest_of_a_key_waits_wherever_they_come_from(lockout: Lockout) -> None:
    seen = new_secret()[:BEGINNING]
    for number in range(FREE):
        lockout.refused(f"address {number}", seen + secrets.token_urlsafe(30)[:35])
    assert waits(lockout, "one more", seen + "A" * 35) > 0
    assert waits(lockout, "one more") == 0


def test_whoever_sends_nothing_tries_nothing(lockout: Lockout) -> None:
    for _ in range(1000):
        lockout.refused("a", None)
    assert waits(lockout, "a") == 0
    refuse(lockout, "a", FREE)
    with pytest.raises(TooOften):
        lockout.check("a", None)


def test_all_is_forgotten_in_a_quarter_of_an_hour(lockout: Lockout, seconds: Seconds) -> None:
    refuse(lockout, "a", FREE + 3)
    seconds.now += FORGOTTEN + 1
    refuse(lockout, "a", FREE - 1)
    assert waits(lockout, "a") == 0


def test_memory_is_bounded(lockout: Lockout) -> None:
    for number in range(REMEMBERED):
        lockout.refused(f"2001:db8::{number:x}", new_secret())
        lockout.opened(new_secret())
    lockout.opened(new_secret())
    assert len(lockout) <= 2 * REMEMBERED


def test_an_attempt_that_is_not_looked_at_does_not_count(
    lockout: Lockout, seconds: Seconds
) -> None:
    refuse(lockout, "a", FREE)
    for _ in range(1000):
        assert waits(lockout, "a") == 1
    seconds.now += 1
    assert waits(lockout, "a") == 0


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("nonsense", "nonsense"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_an_ipv6_address_counts_by_its_first_64_bits(address: str, group: str) -> None:
    assert group_of(address) == group


@given(st.text())
def test_whatever_stands_for_an_address_has_a_group_and_a_short_one(text: str) -> None:
    assert len(group_of(text)) <= 64


@given(st.text(), st.text())
def test_whatever_is_sent_can_be_counted(address: str, secret: str) -> None:
    one = Lockout()
    one.refused(address, secret)
    one.check(address, secret)
    one.opened(secret)
