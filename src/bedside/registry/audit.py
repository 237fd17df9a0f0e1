"""Versions, approvals, releases, trusted keys and fences as the ledger tells them.

`told` is pure: it replays the events of this room through the same rules that allowed the acts, so
an event that those rules refuse (a release without two approvals) is found as well as a row that
no event tells of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from sqlalchemy import Connection

from bedside.canonical import Json
from bedside.errors import BedsideError
from bedside.keys.tables import trusted_keys
from bedside.ledger import view
from bedside.ledger.events import Entry, EventKind
from bedside.ledger.tables import ledger_fences
from bedside.ledger.view import Difference, Row
from bedside.registry import lifecycle
from bedside.registry.lifecycle import Act, Approval, Change, State, VersionRecord
from bedside.registry.release import FENCE_PREFIX, HistoryEntry, fence_name, revocation_reason
from bedside.registry.tables import approvals, releases, versions

SIGNING_KEY: Final = "signing-key"
"""What a key event of this room is about; API keys have the same kinds of event."""


@dataclass(slots=True)
class Told:
    """What must be there.

    Attributes:
        versions: The versions of each model, by their version.
        history: The epochs of each model, oldest first.
        added_by_event: The event that registered each version, by `name@version`.
        signers: Fingerprint of the key that signed each version, by `name@version`.
        trusted: Rows of the trusted keys, by fingerprint.
    """

    versions: dict[str, dict[str, VersionRecord]] = field(default_factory=dict)
    history: dict[str, list[HistoryEntry]] = field(default_factory=dict)
    added_by_event: dict[str, str] = field(default_factory=dict)
    signers: dict[str, str] = field(default_factory=dict)
    trusted: dict[str, dict[str, object]] = field(default_factory=dict)


Step: TypeAlias = Callable[[Told, Entry, Mapping[str, Json]], None]


def read(connection: Connection) -> Told:
    """Return what the ledger tells of this room.

    Raises:
        LedgerBroken: the events were altered, or tell what cannot have happened.
    """
    return told(view.events(connection, tuple(_STEPS)))


def told(entries: Iterable[Entry]) -> Told:
    """Return what these events, in the ledger's order, lead to.

    Raises:
        LedgerBroken: an event that cannot have happened after those before it.
    """
    rows = Told()
    for entry in entries:
        body = entry.value["body"]
        if entry.kind in _KEY_KINDS and body.get("what") != SIGNING_KEY:
            continue
        try:
            _STEPS[EventKind(entry.kind)](rows, entry, body)
            if "version" in body:
                _refuse_other(rows.versions[body["model"]][body["version"]], body)
        except (LookupError, TypeError, ValueError) as problem:
            raise view.broken_story(entry, f"nothing before it tells of {problem}.") from problem
        except BedsideError as problem:
            raise view.broken_story(entry, problem.message) from problem
    return rows


def differences(connection: Connection, model: str | None = None) -> tuple[Difference, ...]:
    """Return where the rows of this room, or those of one model, are not as the ledger tells.

    Raises:
        LedgerBroken: the events themselves were altered, or tell what cannot have happened.
    """
    expected = read(connection)
    found = (
        *view.compare(versions, view.stored(connection, versions), _versions(expected)),
        *view.compare(approvals, view.stored(connection, approvals), _approvals(expected)),
        *view.compare(releases, view.stored(connection, releases), _releases(expected)),
        *view.compare(ledger_fences, _fences_held(connection), _fences(expected)),
        *view.compare(
            trusted_keys, view.stored(connection, trusted_keys), expected.trusted.values()
        ),
    )
    if model is None:
        return found
    return tuple(one for one in found if one.key[0] in (model, fence_name(model)))


def _versions(expected: Told) -> list[Row]:
    return [
        {
            "model": one.model,
            "version": one.version,
            "digest": one.digest,
            "archive": one.archive,
            "state": one.state.value,
            "registered_by": one.registered_by,
            "registered_at": one.registered_at,
            "event_id": expected.added_by_event[one.ref],
        }
        for known in expected.versions.values()
        for one in known.values()
    ]


def _approvals(expected: Told) -> list[Row]:
    return [
        {"model": one.model, "version": one.version, "number": number, **asdict(given)}
        for known in expected.versions.values()
        for one in known.values()
        for number, given in enumerate(one.approvals, start=1)
    ]


def _releases(expected: Told) -> list[Row]:
    return [
        {**asdict(one), "act": one.act.value}
        for turns in expected.history.values()
        for one in turns
    ]


def _fences(expected: Told) -> list[Row]:
    return [
        {"name": fence_name(model), "value": turns[-1].epoch}
        for model, turns in expected.history.items()
    ]


def _fences_held(connection: Connection) -> list[Row]:
    rows = view.stored(connection, ledger_fences)
    return [row for row in rows if str(row["name"]).startswith(FENCE_PREFIX)]


def _refuse_other(record: VersionRecord, body: Mapping[str, Json]) -> None:
    for name in ("digest", "archive", "state"):
        if body[name] != getattr(record, name):
            raise ValueError(f"{record.ref} with the {name} {body[name]!r}")


def _package_added(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    model, version, known = body["model"], body["version"], rows.versions
    if version in known.get(model, {}):
        raise ValueError(f"a second {entry.about}")
    record = VersionRecord(
        model,
        version,
        body["digest"],
        body["archive"],
        State.DRAFT,
        entry.value["actor"],
        entry.at,
    )
    rows.added_by_event[record.ref] = entry.id
    rows.signers[record.ref] = body["signer"]
    known.setdefault(model, {})[version] = record


def _package_verified(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    del entry
    known = rows.versions[body["model"]]
    known[body["version"]] = lifecycle.verified(known[body["version"]])


def _approval(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    known = rows.versions[body["model"]]
    given = Approval(
        entry.value["actor"], body["person"], body["meaning"], at=entry.at, event_id=entry.id
    )
    known[body["version"]] = lifecycle.approved(known[body["version"]], given)


def _release(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    change = lifecycle.release(rows.versions[body["model"]], body["version"])
    _carry_out(rows, entry, body, (Act.RELEASE, change))


def _rollback(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    turns = [one.turn for one in rows.history[body["model"]]]
    change = lifecycle.rollback(rows.versions[body["model"]], turns, body["version"])
    _carry_out(rows, entry, body, (Act.ROLLBACK, change))


def _retirement(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    change = lifecycle.retire(rows.versions[body["model"]], body["version"])
    _carry_out(rows, entry, body, (Act.RETIREMENT, change))


def _carry_out(
    rows: Told, entry: Entry, body: Mapping[str, Json], done: tuple[Act, Change]
) -> None:
    (act, change), model = done, body["model"]
    rows.versions[model] = lifecycle.carried_out(rows.versions[model], change)
    if change.switches:
        _begin(rows, entry, (act, model, change.after), (body["epoch"], body["reason"]))


def _begin(
    rows: Told, entry: Entry, turn: tuple[Act, str, str | None], why: tuple[Json, Json]
) -> None:
    act, model, version = turn
    epoch, reason = why
    turns = rows.history.setdefault(model, [])
    if epoch != len(turns) + 1:
        raise ValueError(f"epoch {epoch} of {model}: {len(turns) + 1} is next")
    digest = None if version is None else rows.versions[model][version].digest
    begun = HistoryEntry(
        model, epoch, act, version, digest, entry.at, entry.value["actor"], reason, entry.id
    )
    turns.append(begun)


def _key_trusted(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    rows.trusted[entry.about] = {
        "fingerprint": entry.about,
        "public": body["public"],
        "name": body["name"],
        "trusted_by": entry.value["actor"],
        "trusted_at": entry.at,
        "revoked_by": None,
        "revoked_at": None,
    }


def _key_revoked(rows: Told, entry: Entry, body: Mapping[str, Json]) -> None:
    rows.trusted[entry.about] |= {"revoked_by": entry.value["actor"], "revoked_at": entry.at}
    for model, epoch in body["epochs"].items():
        last = rows.history[model][-1]
        why = (epoch, revocation_reason(entry.about))
        _begin(rows, entry, (Act.KEY_REVOCATION, model, last.version), why)


_KEY_KINDS: Final = (EventKind.KEY_TRUSTED, EventKind.KEY_REVOKED)
_STEPS: Final[Mapping[EventKind, Step]] = MappingProxyType(
    {
        EventKind.PACKAGE_ADDED: _package_added,
        EventKind.PACKAGE_VERIFIED: _package_verified,
        EventKind.APPROVAL: _approval,
        EventKind.RELEASE: _release,
        EventKind.ROLLBACK: _rollback,
        EventKind.RETIREMENT: _retirement,
        EventKind.KEY_TRUSTED: _key_trusted,
        EventKind.KEY_REVOKED: _key_revoked,
    }
)
