"""`bedside ledger …`: the record of all that happened, and the proofs that it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.door import DOOR, entered, open_site
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.screen import Page, progress, show
from bedside.cli.secrets import refuse_taken
from bedside.cli.sightings import (
    Asked,
    EarlierOption,
    WitnessKeyOption,
    WitnessOption,
    verify_file,
    verify_site,
)
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.ledger.audit import Verdict
    from bedside.ledger.events import Entry, EventKind


def verify(
    export_file: Annotated[
        Path | None, typer.Argument(metavar="[EXPORT]", help="An export; else the site's ledger.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help="The ledger's public key, for an export.")
    ] = None,
    witness: WitnessOption = None,
    witness_key: WitnessKeyOption = None,
    earlier: EarlierOption = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Verify the whole record: every entry, every proof, every signed checkpoint.

    Of a site, also that people, keys, versions, approvals and releases are as the record tells.
    An export needs only its file and the ledger's public key, on any machine.
    What a witness or an earlier export saw finds what no signature can: entries cut off, rolled
    back, or written anew and signed again.
    """
    asked = Asked(tuple(witness or ()), witness_key, tuple(earlier or ()))
    if export_file is None:
        with open_site(site, hold=False) as opened, progress("Verifying the ledger"):
            verdict, agreed = verify_site(opened, asked)
    else:
        verdict, agreed = _verify_export(export_file, public_key, asked)
    value: dict[str, Json] = {
        "ok": True,
        "entries": verdict.entries,
        "checkpoints": verdict.checkpoints,
        "size": verdict.head.size,
        "root": verdict.head.root.hex(),
        "seen": agreed,
    }

    def tell(page: Page) -> None:
        page.check(True, f"{verdict.entries} entries, none changed, none missing")
        page.check(True, f"{verdict.checkpoints} signed checkpoints, each consistent with the next")
        if export_file is None:
            page.check(True, "people, keys, versions, approvals and releases are as it tells")
        for who, sizes in agreed.items():
            page.check(True, f"{who} saw the same, up to {sizes} entries")
        page.line(f"  head: size {verdict.head.size}, root {verdict.head.root.hex()}")

    show(value, tell, as_json=as_json)


def _verify_export(
    path: Path, public_key: Path | None, asked: Asked
) -> tuple[Verdict, dict[str, int]]:
    from bedside.keys.signing import PublicKey

    if public_key is None:
        raise UsageError(
            "An export was given, and no public key to verify it with.",
            advice="Name the ledger's public key with --public-key; the site's people have it.",
        )
    key = PublicKey.load(public_key)
    with progress(f"Verifying {path.name}"):
        return verify_file(path, key, asked)


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the export goes.")],
    public_key_out: Annotated[
        Path | None,
        typer.Option("--public-key-out", help="Where the ledger's public key goes, to verify it."),
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole ledger to a file that anyone with the public key can verify.

    Personal parts leave the site only sealed; no key is in the file.
    """
    from bedside.ledger.events import Draft, EventKind
    from bedside.ledger.export import write_export
    from bedside.people.permissions import Action

    refuse_taken(out, public_key_out)
    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.LEDGER_EXPORT, out.name)
        opened.ledger.record(
            Draft(
                kind=EventKind.EXPORT,
                about="ledger",
                actor=caller.person.id,
                door=DOOR,
                credential=caller.credential,
                body={"entries": opened.ledger.head().size},
            )
        )
        with progress("Exporting the ledger"), out.open("xb") as stream:
            signed = write_export(opened.ledger, stream)
        public = opened.ledger.first_key
    if public_key_out is not None:
        public_key_out.write_text(public.to_pem(), encoding="ascii")
    value: dict[str, Json] = {
        "out": str(out),
        "entries": signed.size,
        "public_key": public.fingerprint,
        "public_key_out": None if public_key_out is None else str(public_key_out),
    }

    def tell(page: Page) -> None:
        page.line(f"{out}: {signed.size} entries, {out.stat().st_size} bytes")
        page.line(f"public key {public.fingerprint}")
        named = public_key_out or "LEDGER.pub"
        page.line(f"Anywhere: bedside ledger verify {out} --public-key {named}")

    show(value, tell, as_json=as_json)


def list_entries(
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only this kind, such as prediction or approval.")
    ] = None,
    about: Annotated[
        str | None, typer.Option("--about", help="Only about this, such as sepsis@1.0.0.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many.")] = 20,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest entries; personal parts stay sealed."""
    from bedside.people.permissions import Action

    wanted = None if kind is None else _kind(kind)
    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.LEDGER_READ, "ledger")
        found = opened.ledger.find(kind=wanted, about=about, limit=limit, newest_first=True)
        names = {person.id: person.name for person in opened.people.list()}

    def tell(page: Page) -> None:
        rows = [_entry_row(entry, names) for entry in found]
        page.table(("index", "at", "kind", "about", "by", "door"), rows)

    show([{"index": entry.index} | entry.value for entry in found], tell, as_json=as_json)


def checkpoint(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Sign the ledger's head and print it (C2SP tlog-checkpoint); keep a copy elsewhere."""
    with open_site(site) as opened:
        signed, vkey = opened.ledger.checkpoint(), opened.ledger.vkey
    value: dict[str, Json] = {
        "origin": signed.origin,
        "size": signed.size,
        "root": signed.root.hex(),
        "note": signed.note,
        "vkey": vkey,
    }
    show(value, lambda page: page.line(signed.note.rstrip("\n")), as_json=as_json)


def rekey(
    reason: Annotated[str, typer.Option("--reason", help="Why the key is changed.")],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the record with a new key from now on; the old one vouches for it. Stop the service first."""
    from bedside.site.rekeying import rekey as change
    from bedside.site.unlocking import KEYS_FOLDER

    if not reason.strip():
        raise UsageError("A change needs a reason.", advice="Say why, in a sentence.")
    with entered(site, key_file) as (opened, caller):
        keys = opened.folder / KEYS_FOLDER
        public = change(opened.ledger, opened.people, keys, caller, reason.strip())
        vkey, first = opened.ledger.vkey, opened.ledger.first_key
    value: dict[str, Json] = {
        "public_key": public.fingerprint,
        "first_key": first.fingerprint,
        "vkey": vkey,
    }

    def tell(page: Page) -> None:
        page.line(f"The record is signed with {public.fingerprint} from now on.")
        page.line(
            f"Verifiers keep the key that they have, {first.fingerprint}: it leads to this one."
        )
        page.line("A witness that signs must be told:")
        page.line(f'bedside ledger witness add "{vkey}"')

    show(value, tell, as_json=as_json)


def _kind(text: str) -> EventKind:
    from bedside.ledger.events import EventKind

    kinds = {kind.value: kind for kind in EventKind}
    if text not in kinds:
        raise UsageError(f"{text!r} is no kind of event.", advice=f"One of: {', '.join(kinds)}.")
    return kinds[text]


def _entry_row(entry: Entry, names: Mapping[str, str]) -> tuple[str, ...]:
    event = entry.value
    by = names.get(event["actor"], event["actor"])
    return str(entry.index), entry.at, entry.kind, entry.about, by, event["door"]
