from __future__ import annotations

import hmac
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bedside.errors import KeyUnavailable, Unavailable, UsageError
from bedside.keys.site_key import SiteKey
from bedside.keys.spares import SPARE_KEYS
from bedside.keys.subjects import SubjectKey, SubjectKeys
from bedside.store import database as store
from bedside.store.database import Database
from bedside.store.wire import Wire
from tests import postgres
from tests.conftest import SettableClock

PATIENT = "urn:oid:1.2.392.100495.20.3.51.11310|000123456"


def test_one_person_has_one_key(subject_keys: SubjectKeys) -> None:
    assert subject_keys.for_subject(PATIENT).id == subject_keys.for_subject(PATIENT).id
    assert subject_keys.for_subject("other").id != subject_keys.for_subject(PATIENT).id


def test_a_key_outlives_the_process(
    subject_keys: SubjectKeys, keys_url: str, site_key: SiteKey
) -> None:
    key = subject_keys.for_subject(PATIENT)
    sealed = key.seal(b"plain", b"event")
    other = SubjectKeys.open(keys_url, site_key)
    assert other.for_subject(PATIENT).id == key.id
    assert other.get(key.id).open(sealed, b"event") == b"plain"
    assert other.get(key.id).digest(b"x") == key.digest(b"x")
    other.close()


def test_nobody_has_a_key_for_each_prediction(
    subject_keys: SubjectKeys, keys_url: str, site_key: SiteKey
) -> None:
    keys = [subject_keys.for_nobody() for _ in range(3 * SPARE_KEYS)]
    assert len({key.id for key in keys}) == len(keys)
    assert len({key.digest(b"x") for key in keys}) == len(keys)
    other = SubjectKeys.open(keys_url, site_key)  # each was durable before it was handed out
    assert [other.get(key.id).digest(b"x") for key in keys] == [key.digest(b"x") for key in keys]
    other.close()


def test_a_batch_gets_the_same_keys_as_one_by_one(subject_keys: SubjectKeys) -> None:
    known = subject_keys.for_subject("a").id
    keys = subject_keys.many(["a", None, "b", None, "a", "b"])
    ids = [key.id for key in keys]
    assert ids[0] == ids[4] == known
    assert ids[2] == ids[5] == subject_keys.for_subject("b").id
    assert len(set(ids)) == 4


def test_a_nonce_that_was_drawn_ahead_is_used_once() -> None:
    key = SubjectKey("k", bytes(32), nonce=b"n" * 12)
    with ThreadPoolExecutor(8) as threads:
        boxes = list(threads.map(lambda _: key.seal(b"plain", b"event"), range(200)))
    assert len({box.nonce for box in boxes}) == 200
    assert all(key.open(box, b"event") == b"plain" for box in boxes)


def test_no_subjects_need_no_keys(subject_keys: SubjectKeys) -> None:
    assert subject_keys.many([]) == []


def test_a_digest_is_keyed(subject_keys: SubjectKeys) -> None:
    one, other = subject_keys.for_subject("a"), subject_keys.for_subject("b")
    assert one.digest(b"x") != other.digest(b"x")
    assert one.digest(b"x") != one.digest(b"y")
    assert one.digest(b"x").startswith("hmac-sha256:")
    assert len(one.digest(b"x")) == len("hmac-sha256:") + 64


def test_a_destroyed_key_is_gone(subject_keys: SubjectKeys, clock: SettableClock) -> None:
    key = subject_keys.for_subject(PATIENT)
    clock.advance(60)
    subject_keys.destroy(key.id)
    with pytest.raises(KeyUnavailable, match="was destroyed at 2026-11-21T08:01:00"):
        subject_keys.get(key.id)
    subject_keys.destroy(key.id)  # a second time does nothing
    assert subject_keys.for_subject(PATIENT).id != key.id


def test_a_key_destroyed_elsewhere_is_gone_here(
    subject_keys: SubjectKeys, keys_url: str, site_key: SiteKey
) -> None:
    key = subject_keys.for_subject(PATIENT)
    other = SubjectKeys.open(keys_url, site_key)
    other.destroy(key.id)
    other.close()
    with pytest.raises(KeyUnavailable, match="was destroyed"):
        subject_keys.get(key.id)
    assert subject_keys.for_subject(PATIENT).id != key.id


def test_an_unknown_key_is_not_there(subject_keys: SubjectKeys) -> None:
    with pytest.raises(KeyUnavailable, match="no subject key nonsense"):
        subject_keys.get("nonsense")
    with pytest.raises(KeyUnavailable, match="no subject key nonsense"):
        subject_keys.destroy("nonsense")


def test_another_site_key_opens_nothing(subject_keys: SubjectKeys, keys_url: str) -> None:
    key = subject_keys.for_subject(PATIENT)
    other = SubjectKeys.open(keys_url, SiteKey(bytes(32)))
    with pytest.raises(KeyUnavailable, match="another key"):
        other.get(key.id)
    assert other.for_subject(PATIENT).id != key.id
    other.close()


@pytest.mark.parametrize("subject", ["", "x" * 513, "\ud800"])
def test_an_odd_identifier_is_refused(subject_keys: SubjectKeys, subject: str) -> None:
    with pytest.raises(UsageError, match="identifier"):
        subject_keys.for_subject(subject)


class TestTheFile:
    """What lies on the disk, on SQLite."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "subjects.db"

    @pytest.fixture
    def keys(self, path: Path, site_key: SiteKey) -> SubjectKeys:
        return SubjectKeys.open(f"sqlite:///{path}", site_key)

    def test_names_nobody(self, keys: SubjectKeys, path: Path) -> None:
        key = keys.for_subject(PATIENT)
        guess = hmac.digest(b"", PATIENT.encode(), "sha256").hex()
        keys.close()
        data = path.read_bytes()
        assert key.id.encode() in data
        assert PATIENT.encode() not in data
        assert guess.encode() not in data

    def test_holds_no_trace_of_a_destroyed_key(self, keys: SubjectKeys, path: Path) -> None:
        key = keys.for_subject(PATIENT)
        reader = sqlite3.connect(path)
        query = "SELECT lookup, wrapped FROM subject_keys WHERE key_id = ?"
        lookup, wrapped = reader.execute(query, (key.id,)).fetchone()
        reader.close()
        keys.destroy(key.id)
        files = [p.read_bytes() for p in path.parent.glob("subjects.db*")]
        keys.close()
        assert not any(wrapped in data or lookup.encode() in data for data in files)
        assert any(key.id.encode() in data for data in files)

    def test_a_reader_that_keeps_the_log_is_told_of(
        self, keys: SubjectKeys, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "ERASE_SECONDS", 0.05)
        key = keys.for_subject(PATIENT)
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        query = "SELECT lookup, wrapped FROM subject_keys WHERE key_id = ?"
        lookup, wrapped = reader.execute(query, (key.id,)).fetchone()
        with pytest.raises(Unavailable, match=r"destroyed, but .* still be on the disk.*Repeat"):
            keys.destroy(key.id)
        with pytest.raises(KeyUnavailable, match="was destroyed"):
            keys.get(key.id)
        reader.execute("COMMIT")
        reader.close()
        keys.destroy(key.id)
        log = path.with_name("subjects.db-wal")
        assert log.stat().st_size == 0
        assert wrapped not in path.read_bytes()
        assert lookup.encode() not in path.read_bytes()
        keys.close()


class TestTheServersFiles:
    """What lies on the disk, on PostgreSQL."""

    @pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
    def test_hold_no_trace_of_a_destroyed_key_whatever_snapshots_there_are(
        self, subject_keys: SubjectKeys, database: Database, postgres_server: postgres.Server
    ) -> None:
        keys = [subject_keys.for_subject(f"patient-{number}") for number in range(5)]
        gone = keys[2].id
        wrapped = wrapped_bytes(database, gone)
        assert wrapped in heap(database, postgres_server)
        with database.read() as old:
            old.execute(text("SELECT 1")).scalar_one()  # its snapshot is from before
            subject_keys.destroy(gone)
            assert wrapped not in heap(database, postgres_server)
        with pytest.raises(KeyUnavailable, match="was destroyed"):
            subject_keys.get(gone)
        sealed = keys[1].seal(b"plain", b"event")
        assert subject_keys.get(keys[1].id).open(sealed, b"event") == b"plain"
        assert subject_keys.for_subject("patient-1").id == keys[1].id

    @pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
    def test_a_reader_of_the_keys_is_told_of(
        self, subject_keys: SubjectKeys, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "ERASE_SECONDS", 0.05)
        key = subject_keys.for_subject(PATIENT)
        with database.read() as reader:
            reader.execute(text("SELECT count(*) FROM bedside_keys.subject_keys")).scalar_one()
            with pytest.raises(Unavailable, match=r"destroyed, but .* still be on the disk"):
                subject_keys.destroy(key.id)
        subject_keys.destroy(key.id)


def wrapped_bytes(database: Database, key_id: str) -> bytes:
    query = text("SELECT wrapped FROM bedside_keys.subject_keys WHERE key_id = :key")
    with database.read() as connection:
        return bytes(connection.execute(query, {"key": key_id}).scalar_one())


def heap(database: Database, server: postgres.Server) -> bytes:
    """Return the bytes of every file that the table has on the disk."""
    with psycopg.connect(f"host={server.folder} user=postgres dbname=postgres") as connection:
        connection.autocommit = True
        connection.execute("CHECKPOINT")
    with database.read() as connection:
        query = text("SELECT pg_relation_filepath('bedside_keys.subject_keys')")
        name = connection.execute(query).scalar_one()
    path = server.folder / "data" / name
    return b"".join(part.read_bytes() for part in path.parent.glob("*") if part.is_file())


class TestSpareKeys:
    def test_are_made_by_a_thread_and_not_by_who_needs_them(
        self, subject_keys: SubjectKeys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writers: list[str] = []
        writing = Database.writing

        def spy(database: Database) -> AbstractContextManager[Wire]:
            writers.append(threading.current_thread().name)
            return writing(database)

        monkeypatch.setattr(Database, "writing", spy)
        me, ids = threading.current_thread().name, set()
        for _ in range(5 * SPARE_KEYS):
            ids.add(subject_keys.for_nobody().id)
            subject_keys._spares.settle(20)
        assert len(ids) == 5 * SPARE_KEYS
        assert writers[0] == me  # the first of a process
        assert me not in writers[1:]
        assert 2 <= len(writers) <= 7

    def test_are_there_while_another_process_holds_the_pen(
        self, subject_keys: SubjectKeys, keys_url: str
    ) -> None:
        subject_keys.for_nobody()
        other = Database.open(keys_url, pen="bedside-keys")
        with other.write(), ThreadPoolExecutor(1) as threads:
            made = threads.submit(subject_keys.many, [None] * SPARE_KEYS)
            assert len(made.result(5)) == SPARE_KEYS
        other.close()
        subject_keys._spares.settle(20)

    def test_leave_no_thread_behind(self, keys_url: str, site_key: SiteKey) -> None:
        before = threading.active_count()
        keys = SubjectKeys.open(keys_url, site_key)
        for _ in range(2 * SPARE_KEYS):
            keys.for_nobody()
        assert threading.active_count() == before + 1
        keys.close()
        assert threading.active_count() == before

    def test_are_not_outrun_by_many_clients(self, subject_keys: SubjectKeys) -> None:
        with ThreadPoolExecutor(32) as threads:
            made = threads.map(lambda _: subject_keys.for_nobody().id, range(6000))
            assert len(set(made)) == 6000

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    def test_are_each_on_the_disk_wrapped_for_its_own_id(
        self, subject_keys: SubjectKeys, tmp_path: Path, site_key: SiteKey
    ) -> None:
        keys = {key.id: key for key in subject_keys.many([None] * 70)}
        subject_keys._spares.settle(20)
        with sqlite3.connect(tmp_path / "subjects.db") as reader:
            rows = reader.execute("SELECT key_id, lookup, wrapped FROM subject_keys").fetchall()
        reader.close()
        assert keys.keys() <= {key_id for key_id, _, _ in rows}
        for key_id, lookup, wrapped in rows:
            assert lookup is None
            secret = site_key.unwrap(wrapped, key_id.encode())
            assert keys.get(key_id, SubjectKey(key_id, secret)).digest(b"x") == SubjectKey(
                key_id, secret
            ).digest(b"x")
