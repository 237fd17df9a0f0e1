"""A site's witnesses, as its settings name them; and the witness that it is of other ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.canonical import Json
from bedside.clock import Clock, timestamp
from bedside.errors import KeyUnavailable, SiteProblem
from bedside.keys.signing import SigningKey
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.ledger.note import COSIGNATURE, ED25519, NoteKey, read_vkey
from bedside.ledger.witness_host import WitnessHost, add_log, is_known, remove_log
from bedside.ledger.witness_loss import LOSS_ACCEPTED
from bedside.ledger.witness_places import Place, witness_at
from bedside.ledger.witness_rows import Pace
from bedside.ledger.witnessing import Witnessing
from bedside.people.people import People
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.site.witness_settings import WitnessSettings
from bedside.store.disk import write_new

WITNESS_KEY_FILE: Final = "witness.key"
WITNESS_VKEY_FILE: Final = "witness.vkey"


def witnessing_of(ledger: Ledger, settings: WitnessSettings, clock: Clock) -> Witnessing:
    """Return who lets the witnesses of the settings see the ledger; not started.

    Raises:
        SiteProblem: a bucket, and the library for it is not installed.
    """
    pace = Pace(settings.seconds, settings.entries)
    places = [Place(at.name, at.address, at.vkey, at.region, at.endpoint) for at in settings.at]
    return Witnessing(ledger, [witness_at(place) for place in places], pace, clock)


class Witnessed:
    """The ledgers that this site witnesses: who may say so, and the key that it signs with."""

    def __init__(self, ledger: Ledger, people: People, keys: Path, clock: Clock) -> None:
        """Take the folder of the keys; the witness's own is made with the first ledger."""
        self._ledger = ledger
        self._people = people
        self._keys = keys
        self._clock = clock
        self._host: WitnessHost | None = None

    def host(self) -> WitnessHost | None:
        """Return the witness, or None where it has no key: it has not begun, or was restored.

        Raises:
            KeyUnavailable: the key cannot be read, or others may read it.
        """
        path = self._keys / WITNESS_KEY_FILE
        if self._host is None and path.exists():
            signer = SigningKey.load(path)
            key = NoteKey(f"{self._ledger.origin}/witness", COSIGNATURE, signer.public)
            self._host = WitnessHost(self._ledger.database, signer, key, self._clock)
        return self._host

    def add(self, caller: Caller, vkey: str) -> NoteKey:
        """Begin to witness a ledger, as a recorded act; return its key.

        Where there is no key to cosign with, it is made, and named in the record: before the first
        ledger, and after a restore. What is witnessed already may then be added again: with what
        was seen up to the backup, and under the new key.

        Raises:
            PermissionRefused: the caller may not.
            UsageError: not a log's verifier key.
            Conflict: a ledger of this name and key is witnessed already, and there is a key.
        """
        self._people.require(caller, Action.KEYS_MANAGE, "witness")
        key = read_vkey(vkey, ED25519)
        body: dict[str, Json] = {"act": "witness", "vkey": key.vkey}
        if self.host() is None:
            body["witness"] = self._make_key().vkey
        with self._ledger.database.write() as connection:
            if "witness" not in body or not is_known(connection, vkey):
                add_log(connection, vkey, caller.person.id, timestamp(self._clock()))
            self._ledger.append(connection, [_draft(caller, key.name, body)])
        return key

    def remove(self, caller: Caller, origin: str) -> int:
        """Witness a ledger no longer, as a recorded act; return the size that was seen last.

        What was refused of it stays. If it is added again, it begins anew.

        Raises:
            PermissionRefused: the caller may not.
            NotFound: it is not witnessed here.
        """
        self._people.require(caller, Action.KEYS_MANAGE, "witness")
        with self._ledger.database.write() as connection:
            known = remove_log(connection, origin)
            body = {"act": "witness-no-longer", "vkey": known.vkey, "note": known.note}
            self._ledger.append(connection, [_draft(caller, origin, body)])
        return known.size

    def _make_key(self) -> NoteKey:
        path = self._keys / WITNESS_KEY_FILE
        SigningKey.new().save(path)
        host = self.host()
        if host is None:
            raise KeyUnavailable(f"{path} is not there.", advice="Look at the folder's rights.")
        try:
            self._publish(host.key)
        except OSError as problem:
            raise SiteProblem(
                f"{self._keys / WITNESS_VKEY_FILE} cannot be written: {problem.strerror}.",
                advice="Look at the disk's free space and rights.",
            ) from problem
        return host.key

    def _publish(self, key: NoteKey) -> None:
        """Write the verifier key; the one of an earlier key stays beside it, under its hint."""
        path = self._keys / WITNESS_VKEY_FILE
        if path.exists():
            hint = read_vkey(path.read_text(encoding="utf-8"), COSIGNATURE).id.hex()
            path.replace(path.with_name(f"witness-{hint}.vkey"))
        write_new(path, f"{key.vkey}\n".encode(), 0o644)


def accept_loss(
    ledger: Ledger, witnessing: Witnessing, caller: Caller, name: str, reason: str
) -> Draft:
    """Record that entries which a witness saw are lost, and go on; return what was recorded.

    The witness itself goes on refusing: only its owner can let this ledger begin anew there.

    Raises:
        NotFound: no witness of this name is in the settings.
        Conflict: nothing is lost.
        Unavailable: the witness does not answer.
    """
    saw, problem = witnessing.missing(name)
    body = {
        "act": LOSS_ACCEPTED,
        "witness": name,
        "saw": saw.note,
        "size": saw.size,
        "found": problem.message,
        "reason": reason,
    }
    draft = _draft(caller, "ledger", body, EventKind.RESTORE)
    with ledger.database.write() as connection:
        ledger.append(connection, [draft])
        witnessing.accept(connection, name, saw.size)
    return draft


def _draft(
    caller: Caller,
    about: str,
    body: Mapping[str, Json],
    kind: EventKind = EventKind.CONFIGURATION_CHANGED,
) -> Draft:
    return Draft(
        kind=kind,
        about=about,
        actor=caller.person.id,
        door=caller.door,
        credential=caller.credential,
        body=body,
    )
