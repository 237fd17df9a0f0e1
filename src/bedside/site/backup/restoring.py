"""Brings a site back from a generation onto an empty machine, and proves that it is the same.

The folder gets its `site.toml`, which makes it a site, last of all: what an interrupted restore
leaves is no site, and the next restore removes it.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from bedside.clock import Clock, system_clock
from bedside.errors import KeyUnavailable, NotFound, SiteProblem, UsageError
from bedside.keys.files import read_key_file, write_secret
from bedside.keys.site_key import SiteKey
from bedside.keys.site_keys.opening import file_of
from bedside.keys.site_keys.source import KEY_SERVICES, SourceKind
from bedside.keys.subjects import SubjectKeys
from bedside.site.backup.copying import WRAPPED_FILE
from bedside.site.backup.filling import Files, fill_database, fill_keys
from bedside.site.backup.forgetting import forgotten
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.place import Place
from bedside.site.backup.plan import BackupSettings
from bedside.site.backup.proving import Copy, Proof, prove
from bedside.site.backup.sealed import opened
from bedside.site.backup.target import (
    Target,
    empty_database,
    empty_folder,
    settle,
    with_database,
)
from bedside.site.files import BLOBS_FOLDER
from bedside.site.key_settings import KeySettings, write_key_settings
from bedside.site.settings import Settings, parse_settings
from bedside.site.site import DATABASE_FILE, DATABASE_VARIABLE, keys_url
from bedside.site.unlocking import KEYS_FOLDER, unlock
from bedside.site.witness_settings import WitnessSettings
from bedside.site.witnesses import WITNESS_KEY_FILE, WITNESS_VKEY_FILE
from bedside.store.blobs import FolderBlobs
from bedside.store.database import Database

ON_SQLITE: Final = "sqlite"
"""What a caller writes instead of an address: a file in the new folder."""

_KINDS: Final[Mapping[str, SourceKind]] = MappingProxyType(
    {name: kind for kind in (SourceKind.FILE, SourceKind.PASSPHRASE) if (name := file_of(kind))}
)
"""Which kind of source a safe copy of the site key is for, by its name."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be restored, and where to.

    Attributes:
        place: Where the generations are.
        folder: The new site's: empty, or not there yet.
        generation: Its name; None takes the newest that seems whole.
        site_key_file: A safe copy of `site.key`, `site.key.sealed` or `site.key.wrapped`; None
            where the environment or a key management service gives the site key.
        kms_key: The key at a key management service that opens the site key. The manifest names
            one, too, but what it says is believed only once the site key is there: to be asked at
            all, a service must be named by whoever restores.
        kms_endpoint: The service's address, where it is another than the usual one.
        database: Address of an empty database; `sqlite` is a file in the folder. None takes
            `BEDSIDE_DATABASE_URL`, or else a file where the backup was made from one.
        checkpoint: A later checkpoint of the ledger (its note), from a witness or a person: it
            tells what was recorded after the backup.
        record_only: Go on although a released package does not prove itself on this machine.
        drill: The site key, if this is a copy to be thrown away: it has no site key of its own,
            and stays away from the environment's database, from witnesses and from other
            generations.
    """

    place: Place
    folder: Path
    generation: str | None = None
    site_key_file: Path | None = None
    kms_key: str = ""
    kms_endpoint: str = ""
    database: str | None = None
    checkpoint: str | None = None
    record_only: bool = False
    drill: SiteKey | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back.

    Attributes:
        manifest: Of the generation.
        proof: What was proved of it.
        seconds: By step.
        set_aside: The files in `keys/` that hold the key of the witness that the site was, if it
            was one: it forgot what it saw since the backup, and must not sign again as the same.
    """

    manifest: Manifest
    proof: Proof
    seconds: dict[str, float] = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()


def restore(order: Order, clock: Clock = system_clock) -> Restored:
    """Make the site of a generation anew, prove it, and record the restore as its first act.

    Raises:
        Conflict: the folder holds a site, or the database is not empty.
        NotFound: there is no such generation, or none at all.
        KeyUnavailable: the site key is not to be had, or is another site's.
        LedgerBroken: the record does not prove what it claims, or is not the one that the given
            checkpoint was signed over.
        PackageRefused: a released package does not prove itself on this machine.
        SiteProblem: a file of the generation is not what was written; or the folder cannot be
            used.
        UsageError: a key service was not named, or other words do not fit.
        Unavailable: the database, or the backup folder, cannot be used now.
    """
    folder = order.folder.absolute()
    generation = order.generation or _newest(order.place, clock())
    told = order.place.read(generation)
    url, named = _database_of(order, told, folder)
    seconds: dict[str, float] = {}
    with empty_folder(folder):
        site_key = _site_key(order, told, folder)
        manifest = order.place.checked(generation, site_key)
        with empty_database(url) as target:
            begun = time.perf_counter()
            text = _fill(order.place, manifest, (folder, url, target), site_key)
            aside = _set_witness_aside(folder / KEYS_FOLDER, generation)
            seconds["filled"] = time.perf_counter() - begun
            settings, text = _settings_of(order, manifest, folder, (text, named))
            begun = time.perf_counter()
            quiet = _quiet(settings, drill=order.drill is not None)
            copy = Copy(folder, quiet, url, clock, order.drill)
            proof = prove(copy, manifest, order.checkpoint, record_only=order.record_only)
            seconds["proved"] = time.perf_counter() - begun
            settle(folder, text)
    return Restored(manifest, proof, seconds, aside)


def _newest(place: Place, now: datetime) -> str:
    found = place.newest(now)
    if found is None:
        late = place.newest()
        advice = "Name the folder that holds bedside-*.json, .data and .keys."
        if late is not None:
            advice = f"Look at this machine's clock, or name one of the future: {late.generation}."
        raise NotFound(f"There is no whole generation in {place.folder}.", advice=advice)
    good = (one for one in place.generations() if place.is_good(one))
    origins = {place.read(one).origin for one in good}
    if len(origins) > 1:
        raise UsageError(
            f"In {place.folder} are generations of several sites: {', '.join(sorted(origins))}.",
            advice="Name the generation of the one that you mean; bedside backup list --json tells"
            " whose they are.",
        )
    return found.generation


def _database_of(order: Order, told: Manifest, folder: Path) -> tuple[str, str | None]:
    """Return the address of the new database, and what `site.toml` says of it."""
    file = f"sqlite:///{folder / DATABASE_FILE}"
    given = None if order.drill is not None else os.environ.get(DATABASE_VARIABLE)
    if given and order.database:
        raise UsageError(
            f"{DATABASE_VARIABLE} is set, and a database was named, too.", advice="Use one of them."
        )
    if given:
        return given, None
    if order.database and order.database != ON_SQLITE:
        return order.database, order.database
    if order.database is None and told.dialect != "sqlite":
        raise UsageError(
            f"The site was on {told.dialect}, and no database was named for the new one.",
            advice=f"Set {DATABASE_VARIABLE} to an empty database's address; or name one with "
            f"--database, where `{ON_SQLITE}` is a file in the new folder.",
        )
    return file, None


def _site_key(order: Order, told: Manifest, folder: Path) -> SiteKey:
    """Put the site key where the new site has it, and return it."""
    keys = folder / KEYS_FOLDER
    keys.mkdir(mode=0o700)
    if order.drill is not None:
        return order.drill
    chosen = _chosen(order, told)
    _refuse_unnamed_service(order, chosen, told)
    name, wrapped = file_of(chosen.source), told.unlock.get("wrapped")
    if order.site_key_file is not None and name is not None:
        write_secret(keys / name, read_key_file(order.site_key_file))
    elif isinstance(wrapped, str) and name == WRAPPED_FILE:
        write_secret(keys / name, base64.b64decode(wrapped))
    site_id = told.origin.removeprefix("bedside/")
    try:
        known = Settings(id=site_id, name="restored", created=told.made, keys=chosen)
    except ValidationError as problem:
        raise SiteProblem(f"The manifest of {told.generation} names no site.") from problem
    try:
        return unlock(folder, known)
    except KeyUnavailable as problem:
        raise KeyUnavailable(
            problem.message,
            advice="The site key is in no backup. Name its safe copy with --site-key; or set what "
            "the source of the site key needs (docs/how-to/backup-and-restore.md).",
        ) from problem


def _refuse_unnamed_service(order: Order, chosen: KeySettings, told: Manifest) -> None:
    """Refuse to ask a service that nobody but the manifest names: it would get our credentials."""
    named = (order.kms_key, order.kms_endpoint)
    if chosen.source not in KEY_SERVICES or named == (chosen.key, chosen.endpoint):
        return
    at = f" at {chosen.endpoint}" if chosen.endpoint else ""
    raise UsageError(
        f"The manifest of {told.generation} says that the site key is wrapped with {chosen.source}"
        f" by {chosen.key!r}{at}, and that is not what was named. Whoever can write to the folder"
        " can make it say so: no service is asked on its word.",
        advice="Compare it with what you know of the site's key, and name that with --kms-key, and"
        " --kms-endpoint where it has one.",
    )


def _chosen(order: Order, told: Manifest) -> KeySettings:
    """Return where the new site has its site key: where the old one had, or the file given."""
    try:
        keys = KeySettings.model_validate(told.unlock.get("keys") or {})
    except ValidationError as problem:
        raise SiteProblem(
            f"The manifest of {told.generation} names a source of the site key that is not known.",
            advice="Restore it with the Bedside that made it, or a later one.",
        ) from problem
    if order.site_key_file is None:
        return keys
    kind = _KINDS.get(order.site_key_file.name, keys.source)
    return keys if kind == keys.source else KeySettings(source=kind, fingerprint=keys.fingerprint)


def _fill(place: Place, manifest: Manifest, to: tuple[Path, str, Target], site_key: SiteKey) -> str:
    """Fill folder and databases, and return the text of `site.toml`."""
    folder, url, target = to
    files = Files(folder, FolderBlobs(folder / BLOBS_FOLDER))
    with opened(place, manifest, "data", site_key) as records:
        fill_database(records, target.database, files, manifest)
    target.ours = True
    at = keys_url(folder, url)
    SubjectKeys.open(at, site_key).close()  # makes the table, or the schema with the table
    keys = Database.open(at, pen="bedside-keys", erasing=True)
    try:
        with opened(place, manifest, "keys", site_key) as records:
            fill_keys(records, keys, files, forgotten(place))
    finally:
        keys.close()
    return files.settings


def _set_witness_aside(keys: Path, generation: str) -> tuple[str, ...]:
    """Put the key of the witness that the site was under another name, and return the new names."""
    aside: list[str] = []
    for name in (WITNESS_KEY_FILE, WITNESS_VKEY_FILE):
        path = keys / name
        if path.exists():
            aside.append(f"{path.stem}-until-{generation}{path.suffix}")
            path.replace(keys / aside[-1])
    return tuple(aside)


def _settings_of(
    order: Order, manifest: Manifest, folder: Path, found: tuple[str, str | None]
) -> tuple[Settings, str]:
    """Return the new site's settings and their text: as they were, but for what is elsewhere."""
    text = with_database(*found)
    settings = parse_settings(text, "site.toml of the backup")
    if settings.origin != manifest.origin:
        raise SiteProblem(f"The backup of {manifest.origin} holds the site {settings.origin}.")
    chosen = _chosen(order, manifest)
    if chosen == settings.keys:
        return settings, text
    draft = folder / ".site.toml"
    draft.write_text(text, encoding="utf-8")
    write_key_settings(draft, chosen)
    text = draft.read_text(encoding="utf-8")
    draft.unlink()
    return parse_settings(text, "site.toml"), text


def _quiet(settings: Settings, *, drill: bool) -> Settings:
    """Return settings under which a copy tells nobody else anything before it is proved."""
    alone = settings.model_copy(update={"witness": WitnessSettings()})
    return alone.model_copy(update={"backup": BackupSettings()}) if drill else alone
