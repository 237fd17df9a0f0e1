"""The ledger's signing key in the folder of a site, and its change.

A change is one transaction in the database and one file in the folder; the file is written before,
under another name, and put in its place after. Where that was interrupted, opening the site ends it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bedside.canonical import Json
from bedside.errors import LedgerBroken, SiteProblem
from bedside.keys.signing import PublicKey, SigningKey
from bedside.ledger import rows
from bedside.ledger.checkpoint import read_checkpoint, verifier_key
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.key_chain import read_chain
from bedside.ledger.ledger import Ledger
from bedside.ledger.rekey import change_key
from bedside.people.people import People
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.site.files import LEDGER_KEY_FILE, LEDGER_PUBLIC_FILE, LEDGER_WITNESS_FILE
from bedside.store.database import Database
from bedside.store.disk import replace_file, sync_folder
from bedside.store.wire import Wire

COMING: Final = "ledger.key.coming"
"""The next signing key, from before it is named in the ledger until it is in its place."""


def ledger_signer(keys: Path, origin: str, database: Database) -> SigningKey:
    """Return the key that signs the ledger, ending a change that was interrupted.

    Raises:
        KeyUnavailable: it is missing, or others may read it.
        SiteProblem: the folder cannot be written to, and a change waits for it.
    """
    coming = keys / COMING
    if coming.exists():
        signer = SigningKey.load(coming)
        with database.read() as connection:
            head = rows.read_head(connection)
        if head is not None and _signs(signer.public, origin, head.note):
            _settle(keys, origin, signer.public, database)
            return signer
    return SigningKey.load(keys / LEDGER_KEY_FILE)


def first_key(keys: Path, signer: SigningKey) -> PublicKey:
    """Return the ledger's first public key, which the site published; without a file, the present."""
    path = keys / LEDGER_PUBLIC_FILE
    return PublicKey.load(path) if path.exists() else signer.public


def rekey(ledger: Ledger, people: People, keys: Path, caller: Caller, reason: str) -> PublicKey:
    """Sign the ledger with a new key from now on, as a recorded act; return its public half.

    No other process may have the site open: it would refuse to record under the old key.

    Raises:
        PermissionRefused: the caller may not.
        LedgerBroken: the ledger's end is not as it must be; nothing was changed.
        SiteProblem: the folder cannot be written to; opening the site again ends the change.
    """
    people.require(caller, Action.KEYS_MANAGE, "ledger")
    coming = keys / COMING
    coming.unlink(
        missing_ok=True
    )  # of an attempt that recorded nothing: opening would have ended it
    new = SigningKey.new()
    new.save(coming)

    def draft_of(kind: EventKind, body: dict[str, Json]) -> Draft:
        return Draft(
            kind=kind,
            about="ledger",
            actor=caller.person.id,
            door=caller.door,
            credential=caller.credential,
            body=body,
        )

    change_key(ledger, new, reason, draft_of)
    _settle(keys, ledger.origin, new.public, ledger.database)
    return new.public


def _signs(public: PublicKey, origin: str, note: str) -> bool:
    try:
        read_checkpoint(note, origin, public)
    except LedgerBroken:
        return False
    return True


def _settle(keys: Path, origin: str, public: PublicKey, database: Database) -> None:
    """Put the new key in its place, and its public half beside the others."""
    with database.read() as connection:
        number = len(read_chain(Wire.of(connection), public).keys)
    pem, vkey = public.to_pem().encode(), f"{verifier_key(origin, public)}\n".encode()
    try:
        replace_file(keys / f"ledger-{number}.pub", pem, 0o644)
        replace_file(keys / LEDGER_WITNESS_FILE, vkey, 0o644)
        (keys / COMING).replace(keys / LEDGER_KEY_FILE)
        sync_folder(keys)
    except OSError as problem:
        raise SiteProblem(
            f"The new key cannot be put in its place in {keys}: {problem.strerror}.",
            advice=f"It is in {COMING}: keep it. Let this account write there; opening the site ends"
            " the change.",
        ) from problem
