"""Finding versions and releases on the caller's connection, or saying what is not here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from bedside.errors import Conflict, NotFound, Unavailable, UsageError
from bedside.registry import lifecycle, queries
from bedside.registry.lifecycle import Change, VersionRecord, is_model_name, read_ref
from bedside.registry.release import HistoryEntry, Release

RECENT: Final = timedelta(minutes=2)
"""Longer than a release takes from the moment that it reads the clock to its commit."""


def one(connection: Connection, ref: str) -> VersionRecord:
    """Return the version named `name@version`.

    Raises:
        UsageError: not written like that.
        NotFound: there is no such version.
    """
    model, version = read_ref(ref)
    here = queries.of_model(connection, model)
    if version not in here:
        raise NotFound(
            f"There is no version {ref} here.",
            advice=f"Known versions of {model}: {', '.join(here) or 'none'}.",
        )
    return here[version]


def known(connection: Connection, model: str) -> dict[str, VersionRecord]:
    """Return the versions of a model by their version.

    Raises:
        NotFound: the site knows no such model.
    """
    versions = queries.of_model(connection, model) if is_model_name(model) else {}
    if not versions:
        raise NotFound(f"There is no model {model[:100]!r} here.", advice="List the models.")
    return versions


def plan_rollback(connection: Connection, model: str, to: str | None) -> Change:
    """Return what a rollback does as things stand now.

    Raises:
        NotFound: the site knows no such model.
        Conflict: there is no earlier release, or `to` is not one.
    """
    versions = known(connection, model)
    turns = [entry.turn for entry in queries.history(connection, model)]
    return lifecycle.rollback(versions, turns, to)


def answering(connection: Connection, model: str) -> Release:
    """Return what answers for a model now.

    Raises:
        NotFound: the site knows no such model.
        Unavailable: it has no release.
    """
    last = queries.last_entry(connection, model) if is_model_name(model) else None
    release = None if last is None else last.release
    if release is None:
        known(connection, model)
        raise Unavailable(
            f"No version of {model} is released here.",
            advice="An operator releases an approved version.",
        )
    return release


def at(connection: Connection, until: str, now: str) -> tuple[Release, ...]:
    """Return what answered at `until`, by model; both are RFC 3339 times in UTC.

    Raises:
        UsageError: `until` has not come yet.
        Conflict: a release is recorded with a time later than now: the clock was wrong when it was
            made, and whether that was before or after `until` cannot be told.
    """
    if until > now:
        raise UsageError(
            f"{until} has not come yet; it is {now}.", advice="Ask about a time in the past."
        )
    present = queries.standing(connection)
    if until == now:  # what stands, whatever time the ledger gave it
        return releases(present)
    timed = {entry.model: entry for entry in queries.standing(connection, now)}
    for entry in present:
        last = timed.get(entry.model)
        if entry != last and (last is None or last.since <= until):
            raise Conflict(
                f"A release of {entry.model} is recorded at {entry.since}, later than now ({now}): "
                f"the clock was wrong, and whether it answered at {until} cannot be told.",
                advice="The order of the events in the ledger is right: `bedside ledger list`.",
            )
    return releases(queries.standing(connection, until))


def releases(entries: Sequence[HistoryEntry]) -> tuple[Release, ...]:
    """Return the releases among these entries: those in which something answers."""
    return tuple(release for entry in entries if (release := entry.release) is not None)
