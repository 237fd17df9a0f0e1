"""The use cases of erasure and of legal hold: request, confirm, withdraw; hold, lift; finish.

Two people erase: one requests, another confirms, and both name whom. Between `confirmed` and `done`
the keys are destroyed, claims, uploads and analyses are taken away and backups are told. Whatever stops half-way is taken
up again by `finish`, which every opening of the site calls. The fence that the drafts of requests in
flight carry is advanced with `confirmed`, and once more when the keys are gone and before their
claims are: whatever was sealed under them stands before that, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from bedside.canonical import Json
from bedside.clock import Clock, new_id, timestamp
from bedside.errors import BedsideError, Conflict, KeyUnavailable, NotFound, UsageError
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import erasure, view
from bedside.ledger.erasure import Erasure, Hold, HoldReason, Reason, Told
from bedside.ledger.events import Draft, Entry, EventKind
from bedside.ledger.forgetting import forget_claims
from bedside.ledger.ledger import Ledger
from bedside.people.currency import PEOPLE_FENCE
from bedside.people.people import People
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.serving.forgetting import Forgetting
from bedside.serving.plain_words import check_label, word_of

Forget: TypeAlias = Callable[[Sequence[str]], Sequence[str]]
"""Takes keys out of what is kept elsewhere, and returns the names of what was changed."""

ForgetJobs: TypeAlias = Callable[[Sequence[str], bool], int]
"""Takes away what is kept of long analyses under keys, and what it left (where told to look again);
returns how much there was."""

SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is kept beside the ledger, and forgets with it: long analyses, and backups."""

    jobs: ForgetJobs
    backups: Forget


@dataclass(frozen=True, slots=True)
class Target:
    """Whom or what to erase or to hold: a person, or one prediction that named no person.

    Attributes:
        subject: A person's identifier, as it came with their predictions; None for a prediction.
        prediction: The id of a prediction, or of the event of a refused input.
    """

    subject: str | None = None
    prediction: str | None = None

    def __post_init__(self) -> None:
        if (self.subject is None) == (self.prediction is None):
            raise UsageError(
                "Name either a subject or a prediction.",
                advice="A prediction is named alone only where it came without a subject.",
            )

    @property
    def of(self) -> str:
        """What it is, in the words of the record."""
        return "person" if self.subject is not None else "prediction"


class Erasing:
    """Erasures and legal holds of one site.

    Attributes:
        forgetting: Drops from memory what another process erased; a service starts it.
    """

    def __init__(
        self,
        ledger: Ledger,
        people: People,
        subject_keys: SubjectKeys,
        clock: Clock,
        days: int,
        elsewhere: Elsewhere,
    ) -> None:
        """Wire the room.

        Args:
            ledger: Where the acts are recorded.
            people: Who may act.
            subject_keys: The keys that are destroyed.
            clock: Tells when a request is over.
            days: How long a request may wait for its confirmation.
            elsewhere: Takes keys out of what is kept beside the ledger.
        """
        self._ledger = ledger
        self._people = people
        self._subject_keys = subject_keys
        self._clock = clock
        self._days = days
        self._elsewhere = elsewhere
        self.forgetting = Forgetting(ledger, subject_keys)

    def request(self, caller: Caller, target: Target, reason: str, case: str = "") -> Erasure:
        """Ask for an erasure; nothing is erased until somebody else confirms it.

        Args:
            caller: Who asks.
            target: Whom or what to erase.
            reason: One of `Reason`.
            case: The site's own reference, such as a file number; it names nobody.

        Raises:
            PermissionRefused: the caller may not request erasures; recorded.
            UsageError: no such reason, a reference that is none, or that names the person.
            NotFound: nothing here is sealed under this target's key.
            Conflict: a legal hold forbids it, or an erasure of the same waits already.
        """
        self._people.require(caller, Action.ERASE_REQUEST)
        word = word_of(Reason, reason)
        check_label(case, target.subject, "reference", optional=True)
        keys, now = self._keys_of(target), self._clock()
        body: dict[str, Json] = {
            "step": "requested",
            "of": target.of,
            "keys": list(keys),
            "reason": word,
            "case": case,
            "expires_at": timestamp(now + timedelta(days=self._days)),
        }
        with self._people.acting(caller, Action.ERASE_REQUEST) as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
            erasure.refuse_held(told, keys)
            if waiting := told.open_for(keys, timestamp(now)):
                raise Conflict(
                    f"The erasure {waiting.id} of the same keys is"
                    f" {waiting.state(timestamp(now))} already.",
                    advice="Let another custodian confirm it, or withdraw it.",
                )
            draft = _draft(caller, EventKind.ERASURE, new_id(), body)
            (entry,) = self._ledger.append(connection, [draft])
        return self._one(entry.about)

    def confirm(self, caller: Caller, erasure_id: str, target: Target) -> Erasure:
        """Erase what another person asked to be erased, for good.

        Args:
            caller: Who confirms: not who requested.
            erasure_id: The request.
            target: Whom or what to erase, named once more: it must be what was requested.

        Raises:
            PermissionRefused: the caller may not confirm, or requested it; recorded.
            NotFound: there is no such request, or nothing under this target.
            Conflict: it is not pending, a legal hold forbids it, or it is about something else.
            Unavailable: it is confirmed, and not all of it is gone yet: `finish` goes on.
        """
        self._people.require(caller, Action.ERASE_CONFIRM)
        keys = self._keys_of(target)
        with self._people.acting(caller, Action.ERASE_CONFIRM) as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
            found = _found(told, erasure_id)
            body: dict[str, Json] = {"step": "confirmed", "keys": list(keys)}
            draft = _draft(caller, EventKind.ERASURE, erasure_id, body)
            # judged by the time under which it stands, which may lie after what the clock says
            (entry,) = self._ledger.append(connection, [draft])
            erasure.refuse_confirming(told, found, caller.person.id, entry.at)
            if set(keys) != set(found.keys):
                raise Conflict(
                    f"The erasure {erasure_id} was requested for somebody or something else.",
                    advice="Ask who requested it whom they meant; nothing was erased.",
                )
            self._ledger.advance_fence(connection, PEOPLE_FENCE)
        return self._carried_out(found.id, found.keys)

    def withdraw(self, caller: Caller, erasure_id: str) -> Erasure:
        """Take a request back that nobody has confirmed.

        Raises:
            PermissionRefused: the caller may not request erasures; recorded.
            NotFound: there is no such request.
            Conflict: it was confirmed, or withdrawn before.
        """
        with self._people.acting(caller, Action.ERASE_REQUEST) as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
            found = _found(told, erasure_id)
            erasure.refuse_withdrawing(found, timestamp(self._clock()))
            body: dict[str, Json] = {"step": "withdrawn", "keys": list(found.keys)}
            self._ledger.append(connection, [_draft(caller, EventKind.ERASURE, erasure_id, body)])
        return self._one(erasure_id)

    def hold(self, caller: Caller, target: Target, name: str, reason: str) -> Hold:
        """Forbid the erasure of somebody or something until the hold is lifted.

        Raises:
            PermissionRefused: the caller may not place holds; recorded.
            UsageError: no such reason, a name that is none, or that names the person.
            NotFound: nothing here is sealed under this target's key.
            Conflict: a hold of this name stands, or the erasure is confirmed already.
        """
        self._people.require(caller, Action.HOLD_PLACE)
        word = word_of(HoldReason, reason)
        check_label(name, target.subject, "name of a hold")
        keys, hold_id = self._keys_of(target), new_id()
        body: dict[str, Json] = {
            "step": "placed",
            "name": name,
            "keys": list(keys),
            "reason": word,
        }
        with self._people.acting(caller, Action.HOLD_PLACE) as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
            if any(one.name == name and one.lifted is None for one in told.holds.values()):
                raise Conflict(f"A legal hold {name!r} stands already.", advice="Choose a name.")
            if any(told.erased(key) for key in keys):
                raise Conflict("The erasure of this is confirmed already; it cannot be held.")
            self._ledger.append(connection, [_draft(caller, EventKind.LEGAL_HOLD, hold_id, body)])
        return self.told().holds[hold_id]

    def lift(self, caller: Caller, name: str) -> Hold:
        """Lift a legal hold that another person placed.

        Raises:
            PermissionRefused: the caller may not lift holds, or placed this one; recorded.
            NotFound: no hold of this name stands.
        """
        with self._people.acting(caller, Action.HOLD_LIFT) as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
            found = [one for one in told.holds.values() if one.name == name and not one.lifted]
            if not found:
                raise NotFound(
                    f"No legal hold {name[:40]!r} stands.", advice="See: bedside holds list"
                )
            erasure.refuse_lifting(found[0], caller.person.id)
            body: dict[str, Json] = {"step": "lifted", "keys": list(found[0].keys)}
            self._ledger.append(
                connection, [_draft(caller, EventKind.LEGAL_HOLD, found[0].id, body)]
            )
        return self.told().holds[found[0].id]

    def read(self, caller: Caller) -> Told:
        """Return every erasure and every hold, for somebody who may see them.

        Raises:
            PermissionRefused: the caller may not; recorded.
        """
        self._people.require(caller, Action.ERASURES_READ)
        return self.told()

    def told(self) -> Told:
        """Return every erasure and every hold, as the ledger tells them.

        Raises:
            LedgerBroken: the events contradict each other.
        """
        with self._ledger.database.read() as connection:
            return erasure.told(view.events(connection, erasure.KINDS))

    def finish(self) -> tuple[Erasure, ...]:
        """Carry out what was confirmed and is not done, and destroy again what came back.

        A key comes back where somebody restored the keys' database from before the erasure. What
        cannot be finished keeps nothing else from being finished.

        Returns:
            What there was to do.

        Raises:
            Unavailable: something is not gone yet: repeat it.
        """
        told, finished = self.told(), []
        problems: list[BedsideError] = []
        done = {key for one in told.erasures.values() if one.done for key in one.keys}
        for key_id in self._subject_keys.standing(done):
            try:
                self._subject_keys.destroy(key_id)
            except BedsideError as problem:
                problems.append(problem)
        try:
            self._elsewhere.jobs(sorted(done), False)
        except BedsideError as problem:
            problems.append(problem)
        for one in told.erasures.values():
            try:
                if one.confirmed and not one.done:
                    finished.append(self._carried_out(one.id, one.keys, again=True))
            except BedsideError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]
        return tuple(finished)

    def take_up(self) -> bool:
        """Finish what can be finished, as `finish`; return whether nothing is left to do.

        A service starts although a backup is not within reach: `bedside doctor` says what waits.
        """
        try:
            self.finish()
        except BedsideError:
            return False
        return True

    def _carried_out(
        self, erasure_id: str, keys: tuple[str, ...], *, again: bool = False
    ) -> Erasure:
        for key_id in keys:
            with suppress(KeyUnavailable):  # no key of this id is here: there is nothing to destroy
                self._subject_keys.destroy(key_id)
        with self._ledger.database.write() as connection:
            self._ledger.advance_fence(connection, PEOPLE_FENCE)
        claims = forget_claims(self._ledger.database, keys, again=again)
        jobs = self._elsewhere.jobs(keys, again)
        backups = sorted(self._elsewhere.backups(keys))
        body: dict[str, Json] = {
            "step": "done",
            "keys": list(keys),
            "claims": claims,
            "backups": backups,
        } | ({"jobs": jobs} if jobs else {})
        draft = Draft(EventKind.ERASURE, erasure_id, SYSTEM, SYSTEM, body)
        with self._ledger.database.write() as connection:
            told = erasure.told(view.events(connection, erasure.KINDS))
            if told.erasures[erasure_id].done is None:  # several may finish at once
                self._ledger.append(connection, [draft])
        return self._one(erasure_id)

    def _one(self, erasure_id: str) -> Erasure:
        return self.told().erasures[erasure_id]

    def _keys_of(self, target: Target) -> tuple[str, ...]:
        if target.subject is not None:
            key_id = self._subject_keys.known(target.subject)
            if key_id is None:
                raise NotFound(
                    "Nothing here is sealed under the key of this subject: there never was"
                    " anything, or it was erased.",
                    advice="Check the identifier: it must be written as it came with the requests.",
                )
            return (key_id,)
        return (self._key_of_one(target.prediction or ""),)

    def _key_of_one(self, named: str) -> str:
        sealed = self._entry(named).value["sealed"] or {}
        key_id = str(sealed.get("key", ""))
        is_a_persons = self._subject_keys.standing([key_id]).get(key_id)
        if is_a_persons is None:
            raise NotFound(
                f"Nothing personal is left of {named[:60]!r}: its key was destroyed.",
                advice="bedside trace tells when, and by whom.",
            )
        if is_a_persons:
            raise Conflict(
                f"{named[:60]!r} belongs to a person, whose whole record has one key.",
                advice="Name the person: bedside erase SUBJECT",
            )
        return key_id

    def _entry(self, named: str) -> Entry:
        found = self._ledger.find(kind=EventKind.PREDICTION, about=named, limit=1)
        if found:
            return found[0]
        entry = self._ledger.entry_of(named)
        if entry.kind != EventKind.REFUSAL:
            raise NotFound(f"{named[:60]!r} is neither a prediction nor a refused input.")
        return entry


def _draft(caller: Caller, kind: EventKind, about: str, body: dict[str, Json]) -> Draft:
    return Draft(
        kind=kind,
        about=about,
        actor=caller.person.id,
        door=caller.door,
        credential=caller.credential,
        body=body,
    )


def _found(told: Told, erasure_id: str) -> Erasure:
    found = told.erasures.get(erasure_id)
    if found is None:
        raise NotFound(
            f"There is no erasure {erasure_id[:60]!r}.", advice="See: bedside erasures list"
        )
    return found
