"""`bedside keys …`: authors' signing keys, and which of them a site trusts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.door import entered, open_site
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.screen import Page, show
from bedside.cli.secrets import refuse_taken
from bedside.cli.shipped import meant

if TYPE_CHECKING:
    from bedside.keys.trust import TrustedKey


def new(
    out: Annotated[Path, typer.Argument(metavar="OUT.pem", help="Where the secret key goes.")],
    as_json: JsonOption = False,
) -> None:
    """Make an author's signing key: OUT.pem for you alone, OUT.pub for those who trust you."""
    from bedside.keys.signing import SigningKey

    public = out.with_suffix(".pub")
    refuse_taken(out, public)
    key = SigningKey.new()
    key.save(out)
    public.write_text(key.public.to_pem(), encoding="ascii")

    def tell(page: Page) -> None:
        page.line(f"Secret key: {out} (mode 0600; keep it, and give it to nobody)")
        page.line(f"Public key: {public} (for `bedside keys trust` and `bedside verify --trust`)")
        page.line(f"Fingerprint: {key.public.fingerprint}")

    document = {
        "secret_key": str(out),
        "public_key": str(public),
        "fingerprint": key.public.fingerprint,
    }
    show(document, tell, as_json=as_json)


def trust(
    public_key: Annotated[
        Path,
        typer.Argument(
            metavar="PUB",
            help="A public key (PEM); or a package that comes with Bedside, to trust its signer.",
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the site trust packages signed with this key."""
    from bedside.keys.signing import PublicKey

    ours = meant(public_key)
    key = PublicKey.load(public_key) if ours is None else ours.key()
    with entered(site, key_file) as (opened, caller):
        opened.registry.trust_key(caller, key, name)
    show(
        {"fingerprint": key.fingerprint, "name": name},
        lambda page: page.line(f"Trusted: {name}, {key.fingerprint}."),
        as_json=as_json,
    )


def revoke(
    fingerprint: Annotated[str, typer.Argument(metavar="FINGERPRINT", help="ed25519:…")],
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust a key no longer: packages signed with it are refused from now on."""
    with entered(site, key_file) as (opened, caller):
        opened.registry.revoke_key(caller, fingerprint)
    show(
        {"revoked": fingerprint},
        lambda page: page.line(f"No longer trusted: {fingerprint}."),
        as_json=as_json,
    )


def list_keys(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """List the keys that the site trusts; they are public."""
    with open_site(site) as opened:
        found = opened.registry.trusted_keys()

    def tell(page: Page) -> None:
        if not found:
            page.line("The site trusts no key. Next: bedside keys trust PUB --name NAME")
            return
        rows = [(key.name, key.public.fingerprint, key.trusted_at) for key in found]
        page.table(("name", "fingerprint", "trusted since"), rows)

    show([_document(key) for key in found], tell, as_json=as_json)


def _document(key: TrustedKey) -> dict[str, Json]:
    return {
        "name": key.name,
        "fingerprint": key.public.fingerprint,
        "trusted_by": key.trusted_by,
        "trusted_at": key.trusted_at,
    }
