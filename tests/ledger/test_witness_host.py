"""A site as a witness of other ledgers, on both databases."""

from __future__ import annotations

import threading
from http import HTTPStatus

import pytest

from bedside.clock import timestamp
from bedside.errors import Conflict, NotFound, UsageError
from bedside.keys.signing import SigningKey
from bedside.ledger.checkpoint import find_checkpoint
from bedside.ledger.cosignature import cosigned_at
from bedside.ledger.note import (
    COSIGNATURE,
    ED25519,
    NoteKey,
    SignedNote,
    read_note,
    read_signatures,
)
from bedside.ledger.witness import Offer
from bedside.ledger.witness_host import (
    Reply,
    WitnessHost,
    add_log,
    refusals,
    remove_log,
    witnessed,
)
from bedside.ledger.witness_request import read_request, request_body
from bedside.ledger.witness_shelf import folder_of
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.ledger.witnesses import ORIGIN, Growing


@pytest.fixture
def host(database: Database, clock: SettableClock) -> WitnessHost:
    signer = SigningKey.new()
    key = NoteKey("bedside/other/witness", COSIGNATURE, signer.public)
    return WitnessHost(database, signer, key, clock)


@pytest.fixture
def ledger(database: Database, clock: SettableClock) -> Growing:
    """A ledger of five entries that the host knows of and has not seen."""
    found = Growing().grow(5)
    know(database, found, clock)
    return found


def know(database: Database, ledger: Growing, clock: SettableClock) -> None:
    vkey = NoteKey(ORIGIN, ED25519, ledger.signer.public).vkey
    with database.write() as connection:
        add_log(connection, vkey, "somebody", timestamp(clock()))


def ask(host: WitnessHost, offer: Offer) -> Reply:
    return host.add_checkpoint(request_body(offer))


def test_what_continues_is_cosigned(
    host: WitnessHost, ledger: Growing, database: Database, clock: SettableClock
) -> None:
    old = 0
    for count in (0, 3, 0, 9):
        clock.advance(60)
        reply = ask(host, ledger.grow(count).offer(old))
        assert reply.status == HTTPStatus.OK, reply.body
        text = read_note(ledger.checkpoint().note).text
        note = SignedNote(text, read_signatures(reply.body))
        assert cosigned_at(note, host.key) == int(clock().timestamp())
        old = len(ledger.leaves)
        [known] = witnessed(database)
        assert (known.size, known.seen_at) == (old, timestamp(clock()))
        assert find_checkpoint(known.note, ORIGIN, ledger.signer.public) == ledger.checkpoint()


def test_what_was_seen_is_told(host: WitnessHost, ledger: Growing) -> None:
    assert host.latest(folder_of(ORIGIN)).status == HTTPStatus.NO_CONTENT
    ask(host, ledger.offer())
    told = host.latest(folder_of(ORIGIN))
    assert told.status == HTTPStatus.OK
    assert cosigned_at(read_note(told.body), host.key)
    for unknown in ("", "x", folder_of("bedside/nobody")):
        assert host.latest(unknown).status == HTTPStatus.NOT_FOUND


def test_another_size_is_answered_with_the_size(host: WitnessHost, ledger: Growing) -> None:
    for old in (2, 5):
        reply = ask(host, ledger.offer(old))
        assert (reply.status, reply.body) == (HTTPStatus.CONFLICT, "0\n")
        assert reply.media_type == "text/x.tlog.size"
    ask(host, ledger.offer())
    for old in (0, 4):
        assert ask(host, ledger.offer(old)).body == "5\n"


def test_a_fork_is_refused_and_kept(
    host: WitnessHost, ledger: Growing, database: Database, clock: SettableClock
) -> None:
    ask(host, ledger.offer())
    forged = ledger.fork(2).grow(3, "forged")
    for _ in range(2):
        reply = ask(host, forged.offer(5))
        assert reply.status == HTTPStatus.CONFLICT
        assert reply.media_type.startswith("text/plain")
        assert "Two ledgers of 5 entries" in reply.body
    assert ask(host, forged.grow(4).offer(5)).status == HTTPStatus.UNPROCESSABLE_ENTITY
    kept = refusals(database, ORIGIN)
    assert [one.size for one in kept] == [5, 9]
    request = read_request(kept[1].request.encode())
    assert (request.old, request.root) == (5, forged.checkpoint().root)
    assert "does not continue the one of 5" in kept[1].why
    assert kept[0].at == timestamp(clock())
    assert witnessed(database)[0].refusals == 2
    assert ask(host, ledger.grow(1).offer(5)).status == HTTPStatus.OK


def test_it_never_goes_back(host: WitnessHost, ledger: Growing, database: Database) -> None:
    ask(host, ledger.offer())
    assert ask(host, ledger.fork(3).offer()).body == "5\n"
    back = request_body(Offer(ledger.fork(3).checkpoint(), 5))
    assert host.add_checkpoint(back).status == HTTPStatus.BAD_REQUEST
    assert witnessed(database)[0].size == 5


def test_strangers_get_nothing(host: WitnessHost, ledger: Growing, database: Database) -> None:
    other = Growing().grow(3)
    assert ask(host, other.offer()).status == HTTPStatus.FORBIDDEN
    unknown = request_body(ledger.offer()).replace(ORIGIN.encode(), b"bedside/nobody")
    assert host.add_checkpoint(unknown).status == HTTPStatus.NOT_FOUND
    assert host.add_checkpoint(b"hello").status == HTTPStatus.BAD_REQUEST
    assert witnessed(database)[0].size == 0
    assert refusals(database, ORIGIN) == ()


def test_a_wrong_signature_under_the_right_name_is_refused(
    host: WitnessHost, ledger: Growing
) -> None:
    body = request_body(ledger.offer())
    altered = body.replace(b"\n5\n", b"\n6\n")
    assert host.add_checkpoint(altered).status == HTTPStatus.FORBIDDEN


def test_other_signatures_are_ignored(host: WitnessHost, ledger: Growing) -> None:
    body = request_body(ledger.offer()) + "\u2014 example.com/w AAAAAAAA\n".encode()
    assert host.add_checkpoint(body).status == HTTPStatus.OK
    assert "example.com" not in host.latest(folder_of(ORIGIN)).body


def test_extension_lines_are_signed_with_the_rest(host: WitnessHost, ledger: Growing) -> None:
    text = read_note(ledger.checkpoint().note).text + "more\n"
    key = NoteKey(ORIGIN, ED25519, ledger.signer.public)
    line = type(read_note(ledger.checkpoint().note).signatures[0])(
        ORIGIN, key.id, ledger.signer.sign(text.encode())
    )
    reply = host.add_checkpoint(f"old 0\n\n{text}\n{line}".encode())
    assert reply.status == HTTPStatus.OK
    assert cosigned_at(SignedNote(text, read_signatures(reply.body)), host.key)
    assert ask(host, ledger.grow(1).offer(5)).status == HTTPStatus.OK


def test_of_two_at_once_one_comes_after_the_other(
    host: WitnessHost, ledger: Growing, database: Database
) -> None:
    ask(host, ledger.offer())
    offers = [ledger.fork(5).grow(1 + n, f"branch {n}").offer(5) for n in range(8)]
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda one=one: replies.append(ask(host, one))) for one in offers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies].count(HTTPStatus.OK) == 1
    winner = witnessed(database)[0].size
    told = {reply.body for reply in replies if reply.status == HTTPStatus.CONFLICT}
    assert told == {f"{winner}\n"}


def test_a_log_is_known_once_and_begins_anew_only_when_removed(
    host: WitnessHost, ledger: Growing, database: Database, clock: SettableClock
) -> None:
    ask(host, ledger.offer())
    ask(host, ledger.fork(2).grow(3, "forged").offer(5))
    with pytest.raises(Conflict, match="witnessed already"):
        know(database, ledger, clock)
    with database.write() as connection:
        assert remove_log(connection, ORIGIN).size == 5
    assert host.latest(folder_of(ORIGIN)).status == HTTPStatus.NOT_FOUND
    know(database, ledger, clock)
    assert ask(host, ledger.fork(2).offer()).status == HTTPStatus.OK
    assert len(refusals(database, ORIGIN)) == 1
    with database.write() as connection, pytest.raises(NotFound):
        remove_log(connection, "bedside/nobody")


def test_a_log_that_changes_its_key_stays_the_same(
    host: WitnessHost, ledger: Growing, database: Database, clock: SettableClock
) -> None:
    ask(host, ledger.offer())
    changed = Growing(SigningKey.new(), list(ledger.leaves)).grow(2)
    assert ask(host, changed.offer(5)).status == HTTPStatus.FORBIDDEN
    know(database, changed, clock)
    assert ask(host, changed.offer(5)).status == HTTPStatus.OK
    [known] = witnessed(database)
    assert (known.size, len(known.vkey.splitlines())) == (7, 2)
    assert find_checkpoint(known.note, ORIGIN, changed.signer.public).size == 7
    with pytest.raises(Conflict):
        know(database, changed, clock)


def test_once_a_later_key_signed_an_earlier_one_is_worth_nothing(
    host: WitnessHost, ledger: Growing, database: Database, clock: SettableClock
) -> None:
    ask(host, ledger.offer())
    changed = Growing(SigningKey.new(), list(ledger.leaves)).grow(2)
    know(database, changed, clock)
    assert ask(host, ledger.grow(1).offer(5)).status == HTTPStatus.OK  # it may be on its way yet
    changed.leaves[5:] = ledger.leaves[5:]
    assert ask(host, changed.grow(2).offer(6)).status == HTTPStatus.OK
    stolen = Growing(ledger.signer, list(changed.leaves))
    for offer in (stolen.offer(8), stolen.grow(1).offer(8), ledger.offer(8)):
        assert ask(host, offer).status == HTTPStatus.FORBIDDEN
    assert witnessed(database)[0].size == 8
    assert ask(host, changed.grow(1).offer(8)).status == HTTPStatus.OK


def test_the_same_again_is_answered_with_what_was_said(
    host: WitnessHost, ledger: Growing, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(host, ledger.offer())
    clock.advance(59)
    with monkeypatch.context() as patched:
        patched.setattr(host._database, "write", None)  # anybody may send it: nothing is written
        assert ask(host, ledger.offer(5)) == first
    clock.advance(1)
    again = ask(host, ledger.offer(5))
    assert again.status == HTTPStatus.OK
    assert again != first  # and after a while it says the time anew
    forged = ledger.fork(2).grow(3, "forged")
    assert ask(host, forged.offer(5)).status == HTTPStatus.CONFLICT


def test_what_no_database_can_keep_is_no_request(
    host: WitnessHost, ledger: Growing, database: Database
) -> None:
    ask(host, ledger.offer())
    forged = ledger.fork(2).grow(3, "forged").offer(5)
    line = "\u2014 exam\x00ple AAAAAAAA\n"
    assert (
        host.add_checkpoint(request_body(forged) + line.encode()).status == HTTPStatus.BAD_REQUEST
    )
    assert ask(host, forged).status == HTTPStatus.CONFLICT
    assert len(refusals(database, ORIGIN)) == 1


def test_a_witness_is_no_log(database: Database, clock: SettableClock, host: WitnessHost) -> None:
    with database.write() as connection, pytest.raises(UsageError, match="a witness's key"):
        add_log(connection, host.key.vkey, "somebody", timestamp(clock()))


def test_evidence_has_a_bound(
    host: WitnessHost, ledger: Growing, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedside.ledger.witness_host.MAX_REFUSALS", 3)
    ask(host, ledger.offer())
    for number in range(6):
        ask(host, ledger.fork(2).grow(3, f"forged {number}").offer(5))
    assert len(refusals(database, ORIGIN)) == 3
