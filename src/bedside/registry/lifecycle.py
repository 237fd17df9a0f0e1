"""The life of a version, as pure rules over frozen values.

    draft ──verify──▶ verified ──two approvals──▶ approved ──release──▶ released
                                                     ▲                     │
                                                     └──another is released┘
    draft, verified, approved, released ──retire──▶ retired (for good)

Every act is a function from where a model stands (its versions, and its history of releases) to a
`Change`; what the change says is written by `registry.registry`, in one transaction with its
event. Nothing here reads a clock, a database or a package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bedside.errors import Conflict, NotFound, PermissionRefused, UsageError

APPROVALS_NEEDED: Final = 2
"""Two different people, neither of them the one who registered the version."""

MIN_MEANING: Final = 10
"""Characters of an approval's meaning: what a signature means must be said (21 CFR 11.50(a)(3))."""

MAX_WORDS: Final = 2_000
"""Characters of a meaning or a reason: a paragraph, not a document."""

_MODEL = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_REF = re.compile(r"([a-z0-9-]{1,63})@([0-9A-Za-z.-]{1,256})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class State(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    VERIFIED = "verified"
    APPROVED = "approved"
    RELEASED = "released"
    RETIRED = "retired"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.DRAFT: frozenset({State.VERIFIED, State.RETIRED}),
        State.VERIFIED: frozenset({State.APPROVED, State.RETIRED}),
        State.APPROVED: frozenset({State.RELEASED, State.RETIRED}),
        State.RELEASED: frozenset({State.APPROVED, State.RETIRED}),
        State.RETIRED: frozenset(),
    }
)
"""To which states a version may go from each state."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one version: what it means, in their own words, and when."""

    person_id: str
    person_name: str
    meaning: str
    at: str
    event_id: str


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version that the site knows.

    Attributes:
        model: Name of the model.
        version: Semantic version.
        digest: Digest of the manifest, which decides every answer.
        archive: Digest of the archive's bytes, its name among the blobs.
        state: Where it stands.
        registered_by: Id of the person who added it.
        registered_at: RFC 3339 time in UTC.
        approvals: Oldest first.
    """

    model: str
    version: str
    digest: str
    archive: str
    state: State
    registered_by: str
    registered_at: str
    approvals: tuple[Approval, ...] = ()

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.model}@{self.version}"


class Act(StrEnum):
    """What changed the version that answers; the words of the ledger's events."""

    RELEASE = "release"
    ROLLBACK = "rollback"
    RETIREMENT = "retirement"
    KEY_REVOCATION = "key-revoked"  # the same version stands, and no process may load it


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a model's release history: from `epoch` on, `version` answers (None: nothing)."""

    epoch: int
    act: Act
    version: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does to a model.

    Attributes:
        states: New state of each version that changes.
        switches: Whether another version answers from now on; then a new epoch begins.
        before: The version that answered until now, or None.
        after: The version that answers from now on, or None.
    """

    states: Mapping[str, State]
    switches: bool
    before: str | None
    after: str | None


def is_model_name(text: str) -> bool:
    """Return whether `text` could name a model."""
    return _MODEL.fullmatch(text) is not None


def read_ref(ref: str) -> tuple[str, str]:
    """Return model and version of a `name@version`.

    Raises:
        UsageError: it is not written like that.
    """
    if not (found := _REF.fullmatch(ref)):
        raise UsageError(
            f"{ref[:100]!r} does not name a version.", advice="Write it like breast-cancer@1.0.0."
        )
    return found[1], found[2]


def words(text: str, what: str, least: int = 1) -> str:
    """Return `text` without space around it, once it says something.

    Raises:
        UsageError: fewer than `least` characters, more than `MAX_WORDS`, or control characters.
    """
    said = text.strip()
    if len(said) < least:
        raise UsageError(
            f"The {what} {said!r} has {len(said)} characters; at least {least} are needed.",
            advice=f"Say the {what} in words; it stays in the record.",
        )
    if len(said) > MAX_WORDS:
        raise UsageError(f"The {what} has {len(said)} characters; at most {MAX_WORDS} are kept.")
    if found := _CONTROL.search(said):
        raise UsageError(f"The {what} holds the control character U+{ord(found[0]):04X}.")
    return said


def moved(record: VersionRecord, state: State) -> VersionRecord:
    """Return `record` in another state.

    Raises:
        Conflict: the table `TRANSITIONS` does not lead there.
    """
    if state not in TRANSITIONS[record.state]:
        raise Conflict(f"{record.ref} is {record.state} and cannot become {state}.")
    return replace(record, state=state)


def verified(record: VersionRecord) -> VersionRecord:
    """Return `record` after a verification that passed: a draft becomes verified.

    Raises:
        Conflict: the version is retired.
    """
    if record.state is State.RETIRED:
        raise _retired(record)
    return moved(record, State.VERIFIED) if record.state is State.DRAFT else record


def approval_verdict(registered_by: str, approvals: Sequence[Approval]) -> bool:
    """Return whether these approvals are enough: two different people, never the registrant."""
    people = {approval.person_id for approval in approvals}
    return registered_by not in people and len(people) >= APPROVALS_NEEDED


def may_approve(record: VersionRecord, person_id: str) -> None:
    """Check that this person may approve this version now.

    Raises:
        PermissionRefused: they registered it themselves.
        Conflict: they approved it already, or it is still a draft, or it is retired.
    """
    if person_id == record.registered_by:
        raise PermissionRefused(
            f"You registered {record.ref}; whoever registers a version cannot approve it.",
            advice="Ask two other people with the role approver.",
        )
    if record.state is State.RETIRED:
        raise _retired(record)
    if record.state is State.DRAFT:
        raise Conflict(
            f"{record.ref} is a draft; nothing is known yet that could be approved.",
            advice=f"Verify it first: bedside registry verify {record.ref}.",
        )
    if any(approval.person_id == person_id for approval in record.approvals):
        raise Conflict(
            f"You approved {record.ref} already.", advice="The other approval is another person's."
        )


def approved(record: VersionRecord, approval: Approval) -> VersionRecord:
    """Return `record` with one more approval; the second one makes a verified version approved.

    An approval of a version that is approved or released already is kept, and changes no state.

    Raises:
        PermissionRefused, Conflict: as `may_approve`.
        UsageError: the meaning says nothing.
    """
    may_approve(record, approval.person_id)
    words(approval.meaning, "meaning of the approval", MIN_MEANING)
    grown = replace(record, approvals=(*record.approvals, approval))
    enough = approval_verdict(grown.registered_by, grown.approvals)
    return moved(grown, State.APPROVED) if enough and grown.state is State.VERIFIED else grown


def release(versions: Mapping[str, VersionRecord], version: str) -> Change:
    """Return what releasing `version` does; the version released until now goes back to approved.

    Raises:
        NotFound: the model has no such version.
        Conflict: it is released already, or not (or no longer) approved.
    """
    return _switch_to(versions, version, "release")


def rollback(
    versions: Mapping[str, VersionRecord], turns: Sequence[Turn], to: str | None = None
) -> Change:
    """Return what going back does: to the version released before, or to the earlier one named.

    Raises:
        Conflict: no earlier release is left to go back to, or `to` is not one.
    """
    earlier = earlier_releases(versions, turns)
    if not earlier:
        raise Conflict(
            "There is no earlier release to go back to.",
            advice="Release an approved version, or retire the one that answers to stop it.",
        )
    if to is not None and to not in earlier:
        raise Conflict(
            f"Version {to} is not an earlier release; these are: {', '.join(earlier)}.",
            advice="To bring a later version back, release it.",
        )
    return _switch_to(versions, earlier[0] if to is None else to, "go back to")


def retire(versions: Mapping[str, VersionRecord], version: str) -> Change:
    """Return what retiring `version` does; if it is the released one, nothing answers any more.

    Raises:
        NotFound: the model has no such version.
        Conflict: it is retired already.
    """
    record = _one(versions, version)
    if record.state is State.RETIRED:
        raise _retired(record)
    before = answering(versions)
    switches = before == version
    return Change({version: State.RETIRED}, switches, before, None if switches else before)


def answering(versions: Mapping[str, VersionRecord]) -> str | None:
    """Return the released version, or None."""
    released = [v.version for v in versions.values() if v.state is State.RELEASED]
    return released[0] if released else None


def earlier_releases(
    versions: Mapping[str, VersionRecord], turns: Sequence[Turn]
) -> tuple[str, ...]:
    """Return the versions that a rollback may go back to, the nearest first.

    A release lies on top of the one before it; a rollback takes off all above its target, so a
    second rollback goes further back and never forward again to what was rolled back from.
    Retired versions drop out.

    Args:
        versions: The model's versions as they stand.
        turns: Its release history, oldest first.
    """
    pile: list[str] = []
    for turn in turns:
        if turn.version is None or turn.act is Act.KEY_REVOCATION:
            continue
        if turn.act is Act.ROLLBACK and turn.version in pile:
            while pile[-1] != turn.version:
                pile.pop()
        else:
            pile.append(turn.version)
    current = answering(versions)
    good = [v for v in reversed(pile) if v != current and versions[v].state is State.APPROVED]
    return tuple(dict.fromkeys(good))


def carried_out(versions: Mapping[str, VersionRecord], change: Change) -> dict[str, VersionRecord]:
    """Return the versions after `change`.

    Raises:
        Conflict: a transition that the table does not have.
    """
    return {
        version: moved(record, change.states[version]) if version in change.states else record
        for version, record in versions.items()
    }


def _switch_to(versions: Mapping[str, VersionRecord], version: str, verb: str) -> Change:
    record = _one(versions, version)
    if record.state is State.RELEASED:
        raise Conflict(f"{record.ref} is released already; it answers now.")
    if record.state is State.RETIRED:
        raise _retired(record)
    if record.state is not State.APPROVED:
        lacking = APPROVALS_NEEDED - len(record.approvals)
        raise Conflict(
            f"{record.ref} is {record.state}; you can only {verb} an approved version.",
            advice="Verify it first."
            if record.state is State.DRAFT
            else f"It lacks {lacking} "
            f"approval{'s' if lacking > 1 else ''} by people other than the one who registered it.",
        )
    before = answering(versions)
    states = {version: State.RELEASED} | ({before: State.APPROVED} if before else {})
    return Change(states, True, before, version)


def _one(versions: Mapping[str, VersionRecord], version: str) -> VersionRecord:
    if version not in versions:
        known = ", ".join(sorted(versions)) or "none"
        raise NotFound(
            f"There is no version {version} of this model.", advice=f"Known versions: {known}."
        )
    return versions[version]


def _retired(record: VersionRecord) -> Conflict:
    return Conflict(
        f"{record.ref} is retired, and that is final.",
        advice="Freeze the model under a new version number.",
    )
