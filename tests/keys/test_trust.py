from __future__ import annotations

import pytest
from sqlalchemy import update

from bedside.errors import Conflict, KeyUnavailable, NotFound, UsageError
from bedside.keys import trust
from bedside.keys.signing import SigningKey
from bedside.keys.tables import trusted_keys
from bedside.store.database import Database
from tests.conftest import SettableClock

KEY = SigningKey.new().public
OTHER = SigningKey.new().public


def test_a_trusted_key_is_trusted(database: Database, clock: SettableClock) -> None:
    with database.write() as connection:
        made = trust.trust(connection, KEY, name="the lab", by="p1", at=clock())
    with database.read() as connection:
        assert trust.trusted(connection) == (made,)
    assert (made.public, made.name, made.trusted_by) == (KEY, "the lab", "p1")


def test_a_revoked_key_is_trusted_no_longer_and_not_forgotten(
    database: Database, clock: SettableClock
) -> None:
    with database.write() as connection:
        trust.trust(connection, KEY, name="the lab", by="p1", at=clock())
        clock.advance(1)
        trust.trust(connection, OTHER, name="another", by="p1", at=clock())
        revoked = trust.revoke(connection, KEY.fingerprint, by="p2", at=clock())
        assert [key.public for key in trust.trusted(connection)] == [OTHER]
        assert [key.public for key in trust.every_key(connection)] == [KEY, OTHER]
        assert trust.every_key(connection)[0] == revoked
    assert (revoked.revoked_by, revoked.revoked_at) == ("p2", "2026-11-21T08:00:01.000000Z")


def test_a_revoked_key_can_be_trusted_again(database: Database, clock: SettableClock) -> None:
    with database.write() as connection:
        trust.trust(connection, KEY, name="the lab", by="p1", at=clock())
        trust.revoke(connection, KEY.fingerprint, by="p2", at=clock())
        again = trust.trust(connection, KEY, name="the lab, again", by="p3", at=clock())
        assert trust.trusted(connection) == (again,)


def test_acts_that_make_no_sense_are_refused(database: Database, clock: SettableClock) -> None:
    with database.write() as connection:
        with pytest.raises(UsageError, match="needs a name"):
            trust.trust(connection, KEY, name=" ", by="p1", at=clock())
        with pytest.raises(NotFound, match=KEY.fingerprint):
            trust.revoke(connection, KEY.fingerprint, by="p1", at=clock())
        trust.trust(connection, KEY, name="the lab", by="p1", at=clock())
        with pytest.raises(Conflict, match="trusted already, as 'the lab'"):
            trust.trust(connection, KEY, name="other", by="p1", at=clock())
        trust.revoke(connection, KEY.fingerprint, by="p1", at=clock())
        with pytest.raises(Conflict, match="was revoked at"):
            trust.revoke(connection, KEY.fingerprint, by="p1", at=clock())


def test_a_key_slipped_under_another_fingerprint_is_found(
    database: Database, clock: SettableClock
) -> None:
    with database.write() as connection:
        trust.trust(connection, KEY, name="the lab", by="p1", at=clock())
        connection.execute(update(trusted_keys).values(public=OTHER.to_pem()))
        with pytest.raises(KeyUnavailable, match="is another key"):
            trust.trusted(connection)
