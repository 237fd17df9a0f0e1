"""Versions, releases and their history as JSON, told alike at every door.

Every member is named here, so that a new field of a value is not told before somebody decides to.
"""

from __future__ import annotations

from bedside.canonical import Json
from bedside.registry.lifecycle import Approval, VersionRecord
from bedside.registry.release import HistoryEntry, Release


def release_told(release: Release) -> dict[str, Json]:
    """Return a release as JSON."""
    return {
        "model": release.model,
        "version": release.version,
        "digest": release.digest,
        "epoch": release.epoch,
        "since": release.since,
        "by": release.by,
        "reason": release.reason,
        "event_id": release.event_id,
    }


def history_told(entry: HistoryEntry) -> dict[str, Json]:
    """Return one epoch of a model as JSON."""
    return {
        "model": entry.model,
        "epoch": entry.epoch,
        "act": entry.act.value,
        "version": entry.version,
        "digest": entry.digest,
        "since": entry.since,
        "by": entry.by,
        "reason": entry.reason,
        "event_id": entry.event_id,
    }


def version_told(record: VersionRecord) -> dict[str, Json]:
    """Return a version as JSON, with its approvals."""
    return {
        "model": record.model,
        "version": record.version,
        "digest": record.digest,
        "archive": record.archive,
        "state": record.state.value,
        "registered_by": record.registered_by,
        "registered_at": record.registered_at,
        "approvals": [_approval(one) for one in record.approvals],
    }


def _approval(approval: Approval) -> dict[str, Json]:
    return {
        "person_id": approval.person_id,
        "person_name": approval.person_name,
        "meaning": approval.meaning,
        "at": approval.at,
        "event_id": approval.event_id,
    }
