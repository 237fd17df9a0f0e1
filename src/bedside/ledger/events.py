"""What is recorded: the kinds of event, the draft that a caller writes, the entry that stands."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.clock import new_id
from bedside.errors import LimitExceeded, UsageError
from bedside.ledger import merkle

if TYPE_CHECKING:  # it brings SQLAlchemy, which not everybody who names a kind needs
    from bedside.keys.subjects import SubjectKey

MAX_EVENT_BYTES = 1024 * 1024
"""A prediction on a wide table is a few kilobytes; what is larger belongs into a blob."""

SEALED_STEP = 256
"""Bytes: what is sealed is filled up with spaces, which JSON ignores, to a multiple of so many."""

MAX_NAME_CHARACTERS = 512
"""For `id`, `about`, `actor` and `door`: longer than any of ours; keeps the indexes small."""


class EventKind(StrEnum):
    """Every kind of event."""

    SITE_OPENED = "site-opened"
    PACKAGE_ADDED = "package-added"
    PACKAGE_VERIFIED = "package-verified"
    PACKAGE_REFUSED = "package-refused"
    APPROVAL = "approval"
    RELEASE = "release"
    ROLLBACK = "rollback"
    RETIREMENT = "retirement"
    PREDICTION = "prediction"
    REFUSAL = "refusal"
    DECISION = "decision"
    SIGN_IN_REFUSED = "sign-in-refused"
    PERMISSION_REFUSED = "permission-refused"
    PERSON_ADDED = "person-added"
    PERSON_CHANGED = "person-changed"
    KEY_CREATED = "key-created"
    KEY_REVOKED = "key-revoked"
    KEY_TRUSTED = "key-trusted"
    CONFIGURATION_CHANGED = "configuration-changed"
    EXPORT = "export"
    ERASURE = "erasure"
    LEGAL_HOLD = "legal-hold"
    BACKUP = "backup"
    RESTORE = "restore"
    TRACE_READ = "trace-read"
    LEDGER_KEY_CHANGED = "ledger-key-changed"
    ANALYSIS_ENDED = "analysis-ended"


@dataclass(frozen=True, slots=True)
class Fence:
    """What a draft's author believed about a counter; the draft is refused if it moved since.

    Attributes:
        name: The counter, such as `release:breast-cancer`.
        value: Its value when the author looked.
    """

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is recorded.

    Attributes:
        kind: What happened.
        about: What it is about: `breast-cancer@1.0.0`, a prediction's id, a person's id. Never a
            patient: it stays in clear for good.
        actor: The id of the person who did it, or `system`.
        door: The way in: `rest`, `cli`, `web`, `system` …
        body: The part that stays in clear for good; no personal data.
        sealed: The personal part, encrypted under `subject_key`; None when there is none.
        subject_key: Required with `sealed`.
        fence: What must still be so when the event is recorded.
        credential: The id of the API key that the actor came in with; empty where there was none.
        id: The event's identifier.
        further: Fences besides `fence`.
    """

    kind: EventKind
    about: str
    actor: str
    door: str
    body: Mapping[str, Json] = field(default_factory=dict)
    sealed: Json | None = None
    subject_key: SubjectKey | None = None
    fence: Fence | None = None
    credential: str = ""
    id: str = field(default_factory=new_id)
    further: tuple[Fence, ...] = ()

    @property
    def fences(self) -> tuple[Fence, ...]:
        """Return every fence of the draft."""
        return self.further if self.fence is None else (self.fence, *self.further)


class Spelled(NamedTuple):
    """A draft whose parts are canonical JSON already: who fills templates needs no second pass.

    The caller promises that `body` and `sealed` are what `canonical_bytes` would write; nobody
    reads them again before they are recorded.

    Attributes:
        kind: As in `Draft`, like the others of the same name.
        about: What it is about.
        actor: Who did it.
        door: The way in.
        body: A JSON object in canonical bytes.
        id: The event's identifier.
        sealed: The personal part in canonical bytes, not yet encrypted; None when there is none.
        subject_key: Required with `sealed`.
        fences: What must still be so when the event is recorded.
        credential: The id of the API key; empty where there was none.
    """

    kind: EventKind
    about: str
    actor: str
    door: str
    body: bytes
    id: str
    sealed: bytes | None = None
    subject_key: SubjectKey | None = None
    fences: tuple[Fence, ...] = ()
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded event.

    Attributes:
        index: Its zero-based place in the ledger.
        id: The event's identifier.
        kind: The kind of event, a value of `EventKind`, or of a later version.
        about: What it is about.
        at: When, as RFC 3339 text in UTC; never earlier than the entry before.
        event: The stored bytes.
        salt: 32 random bytes.
        leaf: The leaf hash, over salt and event.
        root: The root of the tree that ends with this entry.
    """

    index: int
    id: str
    kind: str
    about: str
    at: str
    event: bytes
    salt: bytes
    leaf: bytes
    root: bytes

    @property
    def value(self) -> dict[str, Json]:
        """Return the parsed event."""
        parsed: dict[str, Json] = read_json(self.event)
        return parsed


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft in its final spelling, which lacks only the time.

    Attributes:
        draft: What was asked for.
        before: The event's bytes up to the time.
        after: The event's bytes after it.
    """

    draft: Draft | Spelled
    before: bytes
    after: bytes

    def event(self, at: str) -> bytes:
        """Return the event's bytes with its time."""
        return self.before + at.encode("ascii") + self.after


def prepare(draft: Draft) -> Prepared:
    """Check, seal and spell a draft, so that nothing but the time is left for the transaction.

    Raises:
        UsageError: an empty or over-long name, something that JSON cannot say, or a sealed part
            without a key.
        LimitExceeded: an event of more than `MAX_EVENT_BYTES`.
    """
    sealed = None if draft.sealed is None else canonical_bytes(draft.sealed)
    return _prepared(draft, canonical_bytes(dict(draft.body)), sealed)


def prepare_spelled(spelled: Spelled) -> Prepared:
    """Check, seal and spell a draft whose parts are canonical JSON already; see `prepare`.

    Raises:
        UsageError: an empty or over-long name, or a sealed part without a key.
        LimitExceeded: an event of more than `MAX_EVENT_BYTES`.
    """
    return _prepared(spelled, spelled.body, spelled.sealed)


def _prepared(draft: Draft | Spelled, body: bytes, sealed: bytes | None) -> Prepared:
    names = (draft.about, draft.actor, draft.door, draft.id, draft.credential or "-")
    for name in names:
        if not name or len(name) > MAX_NAME_CHARACTERS or "\x00" in name:
            _refuse_odd_names(draft)
    about, actor, door, event_id, _ = map(encode_basestring, names)
    credential = encode_basestring(draft.credential)
    # canonical order: about, actor, at, body, credential, door, id, kind, sealed, v
    start = f'{{"about":{about},"actor":{actor},"at":"'
    middle = (
        f',"credential":{credential},"door":{door},"id":{event_id},'
        f'"kind":"{draft.kind.value}","sealed":'
    )
    try:
        box = b"null" if sealed is None else _sealed(draft, sealed)
        before = start.encode()
        after = b'","body":%b%b%b,"v":1}' % (body, middle.encode(), box)
    except UnicodeEncodeError as problem:
        raise UsageError(f"This event has no canonical JSON form: {problem}.") from problem
    if len(before) + len(after) > MAX_EVENT_BYTES:
        raise LimitExceeded(
            f"An event of {len(before) + len(after)} bytes is too large.",
            advice=f"At most {MAX_EVENT_BYTES} bytes; keep larger things as blobs.",
        )
    return Prepared(draft, before, after)


def commit_to(salt: bytes, event: bytes) -> bytes:
    """Return the leaf hash: SHA-256(0x00 ‖ SHA-256(salt ‖ event))."""
    return merkle.leaf_hash(hashlib.sha256(salt + event).digest())


def _refuse_odd_names(draft: Draft | Spelled) -> None:
    for name in ("id", "about", "actor", "door", "credential"):
        value = getattr(draft, name)
        empty = not value and name != "credential"
        if empty or len(value) > MAX_NAME_CHARACTERS or "\x00" in value:
            raise UsageError(
                f"An event's {name} cannot be {value[:40]!r} ({len(value)} characters).",
                advice=f"Use 1 to {MAX_NAME_CHARACTERS} characters, none of them NUL.",
            )


def _sealed(draft: Draft | Spelled, plain: bytes) -> bytes:
    if draft.subject_key is None:
        raise UsageError(
            f"The draft {draft.id} has a personal part and no key to seal it with.",
            advice="Pass subject_key; use SubjectKeys.for_nobody() where no person is named.",
        )
    # who guesses a person's part can compute its length: only the step that it lies in is told
    padded = plain + b" " * (-len(plain) % SEALED_STEP)
    key, sealed = draft.subject_key.id, draft.subject_key.seal(padded, draft.id.encode())
    return b'{"box":"%b","key":%b,"nonce":"%b"}' % (
        b2a_base64(sealed.box, newline=False),
        encode_basestring(key).encode(),
        b2a_base64(sealed.nonce, newline=False),
    )
