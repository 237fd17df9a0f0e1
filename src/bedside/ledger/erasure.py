"""Erasures and legal holds, as the ledger tells them: pure, over the events of these two kinds.

No table holds them: what is asked, confirmed, held and done stands in the ledger alone, so nobody
can change it by hand. The events name keys, which are random, and never a person.

    erasure      requested ──▶ confirmed ──▶ done         by two people; done when the key is gone
                     │ └─────▶ withdrawn                  by one who may request
                     └ after `expires_at` it can only be withdrawn
    legal-hold   placed ──▶ lifted                        lifted by another than who placed it
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bedside.canonical import Json
from bedside.errors import Conflict, PermissionRefused
from bedside.ledger import view
from bedside.ledger.events import Entry, EventKind

KINDS: Final = (EventKind.ERASURE, EventKind.LEGAL_HOLD)


class Reason(StrEnum):
    """Why something is erased. A word of a list names nobody, as a sentence might."""

    ASKED = "asked"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    RETENTION_ENDED = "retention-ended"
    UNLAWFUL = "unlawful"
    LEGAL_DUTY = "legal-duty"
    MISTAKE = "mistake"


class HoldReason(StrEnum):
    """Why something must be kept."""

    LITIGATION = "litigation"
    COMPLAINT = "complaint"
    INCIDENT = "incident"
    AUTHORITY = "authority"


class State(StrEnum):
    """Where an erasure stands."""

    PENDING = "pending"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CONFIRMED = "confirmed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Act:
    """Who did something, when, and where in the ledger it stands."""

    by: str
    at: str
    index: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure.

    Attributes:
        id: What every event of it is about.
        keys: The ids of the keys that it destroys.
        of: `person`, or `prediction` where no person was named.
        reason: Why.
        case: The site's own reference, or an empty string.
        expires_at: Until when it may be confirmed (RFC 3339, UTC).
        requested: By whom, when.
        confirmed: By whom, when; None before.
        withdrawn: By whom, when; None where nobody did.
        done: When the keys were gone; None before.
    """

    id: str
    keys: tuple[str, ...]
    of: str
    reason: str
    case: str
    expires_at: str
    requested: Act
    confirmed: Act | None = None
    withdrawn: Act | None = None
    done: Act | None = None

    def state(self, now: str) -> State:
        """Return where it stands at the moment `now` (RFC 3339, UTC)."""
        if self.done is not None:
            return State.DONE
        if self.confirmed is not None:
            return State.CONFIRMED
        if self.withdrawn is not None:
            return State.WITHDRAWN
        return State.EXPIRED if now > self.expires_at else State.PENDING


@dataclass(frozen=True, slots=True)
class Hold:
    """One legal hold.

    Attributes:
        id: What every event of it is about.
        name: What the site calls it, such as a file number.
        keys: The ids of the keys that must not be destroyed.
        reason: Why.
        placed: By whom, when.
        lifted: By whom, when; None while it holds.
    """

    id: str
    name: str
    keys: tuple[str, ...]
    reason: str
    placed: Act
    lifted: Act | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Every erasure and every hold of a ledger, oldest first, by id."""

    erasures: Mapping[str, Erasure]
    holds: Mapping[str, Hold]

    def holding(self, keys: Collection[str]) -> tuple[Hold, ...]:
        """Return the holds that stand over any of these keys."""
        return tuple(
            hold
            for hold in self.holds.values()
            if hold.lifted is None and not set(hold.keys).isdisjoint(keys)
        )

    def open_for(self, keys: Collection[str], now: str) -> Erasure | None:
        """Return the erasure of any of these keys that waits to be confirmed or done, or None."""
        waiting = {State.PENDING, State.CONFIRMED}
        return next(
            (
                one
                for one in self.erasures.values()
                if not set(one.keys).isdisjoint(keys) and one.state(now) in waiting
            ),
            None,
        )

    def erased(self, key_id: str) -> Erasure | None:
        """Return the erasure that was confirmed for a key, or None."""
        return next(
            (
                one
                for one in self.erasures.values()
                if one.confirmed is not None and key_id in one.keys
            ),
            None,
        )


def refuse_held(told: Told, keys: Collection[str]) -> None:
    """Check that no hold stands over any of these keys.

    Raises:
        Conflict: one does; it is named.
    """
    if holds := told.holding(keys):
        first = holds[0]
        raise Conflict(
            f"The legal hold {first.name!r} ({first.reason}) of {first.placed.at} forbids this.",
            advice="It is lifted by somebody else than who placed it: bedside holds lift",
        )


def refuse_confirming(told: Told, erasure: Erasure, by: str, now: str) -> None:
    """Check that this person may confirm this erasure at the moment `now` (RFC 3339, UTC).

    Raises:
        Conflict: it does not wait for that any more, or a hold stands over it.
        PermissionRefused: they requested it themselves.
    """
    if erasure.state(now) is State.EXPIRED:
        raise Conflict(
            f"The erasure {erasure.id} is expired since {erasure.expires_at}; nothing is there to"
            " confirm.",
            advice="Request it anew.",
        )
    _refuse_confirmation(told, erasure, by)


def _refuse_confirmation(told: Told, erasure: Erasure, by: str) -> None:
    """Check what must hold of a confirmation at any time."""
    state = erasure.state(erasure.expires_at)
    if state is not State.PENDING:
        raise Conflict(
            f"The erasure {erasure.id} is {state}; nothing is there to confirm.",
            advice="See what waits: bedside erasures list",
        )
    if erasure.requested.by == by:
        raise PermissionRefused(
            f"Whoever requested the erasure {erasure.id} cannot confirm it.",
            advice="Ask another custodian.",
        )
    refuse_held(told, erasure.keys)


def refuse_withdrawing(erasure: Erasure, now: str) -> None:
    """Check that this erasure may be withdrawn now.

    Raises:
        Conflict: it was confirmed, or withdrawn before.
    """
    state = erasure.state(now)
    if state not in {State.PENDING, State.EXPIRED}:
        raise Conflict(f"The erasure {erasure.id} is {state}; it cannot be withdrawn any more.")


def refuse_lifting(hold: Hold, by: str) -> None:
    """Check that this person may lift this hold.

    Raises:
        Conflict: it is lifted already.
        PermissionRefused: they placed it themselves.
    """
    if hold.lifted is not None:
        raise Conflict(f"The legal hold {hold.name!r} was lifted at {hold.lifted.at}.")
    if hold.placed.by == by:
        raise PermissionRefused(
            f"Whoever placed the legal hold {hold.name!r} cannot lift it.",
            advice="Ask another custodian.",
        )


def told(entries: Iterable[Entry]) -> Told:
    """Return what these events, in the ledger's order, tell.

    Raises:
        LedgerBroken: an event that cannot have happened after those before it: confirmed by who
            requested it, under a hold, twice. One that comes too late is told all the same: the
            term keeps people from it, and what was destroyed under it stays so.
    """
    story = _Story()
    for entry in entries:
        event = entry.value
        act = Act(event["actor"], event["at"], entry.index)
        try:
            story.add(entry.kind, entry.about, event["body"], act)
        except (LookupError, TypeError, ValueError, Conflict, PermissionRefused) as problem:
            raise view.broken_story(entry, f"it does not follow: {problem}") from problem
    return story.told()


class _Story:
    """The events so far; each is checked by the rules that allowed the act."""

    def __init__(self) -> None:
        self._erasures: dict[str, Erasure] = {}
        self._holds: dict[str, Hold] = {}

    def told(self) -> Told:
        return Told(MappingProxyType(self._erasures), MappingProxyType(self._holds))

    def add(self, kind: str, about: str, body: Mapping[str, Json], act: Act) -> None:
        match kind, body["step"]:
            case EventKind.ERASURE, "requested":
                self._requested(about, body, act)
            case EventKind.ERASURE, "confirmed":
                _refuse_confirmation(self.told(), self._erasures[about], act.by)
                self._erasures[about] = replace(self._erasures[about], confirmed=act)
            case EventKind.ERASURE, "withdrawn":
                refuse_withdrawing(self._erasures[about], act.at)
                self._erasures[about] = replace(self._erasures[about], withdrawn=act)
            case EventKind.ERASURE, "done":
                if self._erasures[about].state(act.at) is not State.CONFIRMED:
                    raise ValueError("nobody confirmed it")
                self._erasures[about] = replace(self._erasures[about], done=act)
            case EventKind.LEGAL_HOLD, "placed":
                self._placed(about, body, act)
            case EventKind.LEGAL_HOLD, "lifted":
                refuse_lifting(self._holds[about], act.by)
                self._holds[about] = replace(self._holds[about], lifted=act)
            case _, step:
                raise ValueError(f"{step!r} is no step of {kind}")

    def _requested(self, about: str, body: Mapping[str, Json], act: Act) -> None:
        keys = _keys(body)
        if about in self._erasures:
            raise ValueError("it was requested before")
        refuse_held(self.told(), keys)
        self._erasures[about] = Erasure(
            about, keys, body["of"], body["reason"], body["case"], body["expires_at"], act
        )

    def _placed(self, about: str, body: Mapping[str, Json], act: Act) -> None:
        if about in self._holds:
            raise ValueError("it was placed before")
        self._holds[about] = Hold(about, body["name"], _keys(body), body["reason"], act)


def _keys(body: Mapping[str, Json]) -> tuple[str, ...]:
    keys = tuple(body["keys"])
    if not keys or not all(isinstance(key, str) for key in keys):
        raise ValueError("it names no key")
    return keys
