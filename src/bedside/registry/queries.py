"""Reading and writing versions, approvals and releases, on the caller's connection."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select, update

from bedside.registry.lifecycle import Act, Approval, State, VersionRecord
from bedside.registry.release import HistoryEntry
from bedside.registry.tables import approvals, releases, versions

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION = (
    versions.c.model,
    versions.c.version,
    versions.c.digest,
    versions.c.archive,
    versions.c.state,
    versions.c.registered_by,
    versions.c.registered_at,
)
_APPROVAL = (
    approvals.c.person_id,
    approvals.c.person_name,
    approvals.c.meaning,
    approvals.c.at,
    approvals.c.event_id,
)
_RELEASE = (
    releases.c.model,
    releases.c.epoch,
    releases.c.act,
    releases.c.version,
    releases.c.digest,
    releases.c.since,
    releases.c.by,
    releases.c.reason,
    releases.c.event_id,
)


def records(connection: Connection, model: str | None = None) -> tuple[VersionRecord, ...]:
    """Return all versions of a model, or of every model, in the order in which they came."""
    chosen = select(*_VERSION).order_by(versions.c.model, versions.c.registered_at)
    given = select(approvals.c.model, approvals.c.version, *_APPROVAL).order_by(approvals.c.number)
    if model is not None:
        chosen = chosen.where(versions.c.model == model)
        given = given.where(approvals.c.model == model)
    by_version: dict[tuple[str, str], list[Approval]] = {}
    for name, version, *rest in connection.execute(given):
        by_version.setdefault((name, version), []).append(Approval(*rest))
    return tuple(
        VersionRecord(
            name,
            version,
            digest,
            archive,
            State(state),
            by,
            at,
            tuple(by_version.get((name, version), ())),
        )
        for name, version, digest, archive, state, by, at in connection.execute(chosen)
    )


def of_model(connection: Connection, model: str) -> dict[str, VersionRecord]:
    """Return the versions of a model by their version."""
    return {record.version: record for record in records(connection, model)}


def archive_of(connection: Connection, digest: str) -> str | None:
    """Return the blob digest of the archive whose manifest has this digest."""
    if not _DIGEST.fullmatch(digest):  # not even every string can be compared with in a database
        return None
    found = connection.execute(select(versions.c.archive).where(versions.c.digest == digest))
    return found.scalar_one_or_none()


def add_version(connection: Connection, record: VersionRecord, event_id: str) -> None:
    """Insert a version."""
    connection.execute(
        insert(versions).values(
            model=record.model,
            version=record.version,
            digest=record.digest,
            archive=record.archive,
            state=record.state.value,
            registered_by=record.registered_by,
            registered_at=record.registered_at,
            event_id=event_id,
        )
    )


def add_approval(connection: Connection, record: VersionRecord) -> None:
    """Insert the newest approval of `record`."""
    newest = record.approvals[-1]
    connection.execute(
        insert(approvals).values(
            model=record.model,
            version=record.version,
            number=len(record.approvals),
            person_id=newest.person_id,
            person_name=newest.person_name,
            meaning=newest.meaning,
            at=newest.at,
            event_id=newest.event_id,
        )
    )


def set_states(connection: Connection, model: str, states: Mapping[str, State]) -> None:
    """Write the states of these versions of a model."""
    for version, state in states.items():
        connection.execute(
            update(versions)
            .where(versions.c.model == model, versions.c.version == version)
            .values(state=state.value)
        )


def add_history(connection: Connection, entry: HistoryEntry) -> None:
    """Insert an entry of the release history."""
    connection.execute(
        insert(releases).values(
            model=entry.model,
            epoch=entry.epoch,
            act=entry.act.value,
            version=entry.version,
            digest=entry.digest,
            since=entry.since,
            by=entry.by,
            reason=entry.reason,
            event_id=entry.event_id,
        )
    )


def history(connection: Connection, model: str) -> tuple[HistoryEntry, ...]:
    """Return the release history of a model, oldest first."""
    rows = connection.execute(
        select(*_RELEASE).where(releases.c.model == model).order_by(releases.c.epoch)
    )
    return tuple(_entry(row) for row in rows)


def last_entry(connection: Connection, model: str) -> HistoryEntry | None:
    """Return the present epoch of a model, or None while it was never released."""
    rows = connection.execute(
        select(*_RELEASE)
        .where(releases.c.model == model)
        .order_by(releases.c.epoch.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return None if row is None else _entry(row)


def standing(connection: Connection, until: str | None = None) -> tuple[HistoryEntry, ...]:
    """Return each model's last entry of the release history, or its last one not after `until`."""
    last = select(releases.c.model, func.max(releases.c.epoch).label("epoch"))
    if until is not None:
        last = last.where(releases.c.since <= until)
    newest = last.group_by(releases.c.model).subquery()
    rows = connection.execute(
        select(*_RELEASE)
        .join(
            newest,
            (releases.c.model == newest.c.model) & (releases.c.epoch == newest.c.epoch),
        )
        .order_by(releases.c.model)
    )
    return tuple(_entry(row) for row in rows)


def _entry(
    row: tuple[str, int, str, str | None, str | None, str, str, str, str],
) -> HistoryEntry:
    model, epoch, act, version, digest, since, by, reason, event_id = row
    return HistoryEntry(model, epoch, Act(act), version, digest, since, by, reason, event_id)
