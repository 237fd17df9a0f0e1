"""`bedside backup …` and `bedside restore`: the whole site in two encrypted files, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from bedside.canonical import Json
from bedside.cli.door import DOOR, open_site
from bedside.cli.options import DEFAULT_SITE, JsonOption, SiteOption
from bedside.cli.screen import Page, complain, progress, show
from bedside.cli.site_key import KmsEndpointOption, KmsKeyOption
from bedside.errors import BedsideError, NotFound, UsageError

if TYPE_CHECKING:
    from bedside.site.backup.making import Made
    from bedside.site.backup.manifest import Manifest
    from bedside.site.backup.place import Place
    from bedside.site.backup.proving import Proof
    from bedside.site.site import Site

MAX_CHECKPOINT_BYTES = 8 * 1024
"""A checkpoint with many signatures stays below it."""

FolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--folder", help="Where generations are; without it, as site.toml says."),
]
KeysFolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--keys-folder", help="Where their keys files are, if apart from the others."),
]
GenerationOption: TypeAlias = Annotated[
    str | None, typer.Option("--generation", help="Its name; without it, the newest.")
]


def backup(
    context: typer.Context,
    folder: FolderOption = None,
    keys_folder: KeysFolderOption = None,
    every: Annotated[
        float | None,
        typer.Option("--every", min=0.001, help="Hours; make one so often, until Ctrl-C."),
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Back up a site while it serves: two encrypted files and a manifest, read back and verified."""
    if context.invoked_subcommand is not None:
        return
    where = (folder, keys_folder)
    if every is None:
        _back_up(site, where, as_json=as_json)
    while every is not None:
        time.sleep(_seconds_until_next(site, where, every, as_json=as_json))


def drill(
    folder: FolderOption = None,
    keys_folder: KeysFolderOption = None,
    generation: GenerationOption = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Restore a generation beside the living site, prove everything of it, and throw it away."""
    from bedside.site.backup.drill import drill as restore_and_prove

    with open_site(site) as opened, progress("Restoring into a folder to be thrown away"):
        place = _place(opened, folder, keys_folder)
        found = restore_and_prove(opened, place, generation, DOOR)
    restored = found.restored
    value = _generation(restored.manifest) | _proof(restored.proof)
    value |= {"behind": found.behind, "seconds": {"all": found.seconds, **restored.seconds}}

    def tell(page: Page) -> None:
        _tell_proof(page, restored.proof)
        page.check(True, f"it is how the living ledger began; {found.behind} entries came since")
        page.line(
            f"{restored.manifest.generation}: restored, proved and gone in {found.seconds:.1f} s."
        )

    show(value, tell, as_json=as_json)


def list_generations(
    folder: FolderOption = None,
    keys_folder: KeysFolderOption = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """List the generations, newest first; with --folder, no site is needed."""
    place = _place_without_site(site, folder, keys_folder)
    rows: list[dict[str, Json]] = []
    for name in reversed(place.generations()):
        try:
            manifest = place.read(name)
            rows.append(_generation(manifest) | {"whole": place.seems_whole(manifest)})
        except BedsideError as problem:
            rows.append({"generation": name, "whole": False, "reason": problem.message})

    def tell(page: Page) -> None:
        page.table(
            ("generation", "made", "entries", "bytes", "of keys", "whole"),
            [_row(one) for one in rows],
        )

    show(rows, tell, as_json=as_json)


def restore(  # noqa: PLR0913, PLR0917 - a command's parameters are its options
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where generations are.")],
    keys_folder: KeysFolderOption = None,
    generation: GenerationOption = None,
    site_key: Annotated[
        Path | None,
        typer.Option("--site-key", help="The safe copy of the site key; it is in no backup."),
    ] = None,
    kms_key: KmsKeyOption = "",
    kms_endpoint: KmsEndpointOption = "",
    database: Annotated[
        str | None,
        typer.Option("--database", help="Address of an empty database, or sqlite: a file."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A later checkpoint: tells what was recorded since."),
    ] = None,
    record_only: Annotated[
        bool, typer.Option("--record-only", help="Although released models fail here.")
    ] = False,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Make a site anew on an empty machine, prove everything of it, and record the restore."""
    from bedside.site.backup.place import Place
    from bedside.site.backup.restoring import Order
    from bedside.site.backup.restoring import restore as bring_back

    order = Order(
        place=Place.at(folder, keys_folder),
        folder=site,
        generation=generation,
        site_key_file=site_key,
        kms_key=kms_key,
        kms_endpoint=kms_endpoint,
        database=database,
        checkpoint=None if checkpoint is None else _note(checkpoint),
        record_only=record_only,
    )
    with progress("Restoring"):
        found = bring_back(order)
    value = _generation(found.manifest) | _proof(found.proof)
    value |= {"site": str(site), "seconds": dict(found.seconds)}
    value |= {"set_aside": list(found.set_aside)}

    def tell(page: Page) -> None:
        _tell_proof(page, found.proof)
        page.line(f"The site of {found.manifest.made} is in {site}.", style="bold")
        page.line(f"  ledger key  {found.proof.ledger_key}: is it the one that you know?")
        if found.set_aside:
            page.line(f"It was a witness. Its key is set aside: {', '.join(found.set_aside)}.")
        page.line("Before it serves: is the machine before it really off, and does it stay so?")

    show(value, tell, as_json=as_json)


def _back_up(site: Path, where: tuple[Path | None, Path | None], *, as_json: bool) -> None:
    from bedside.site.backup.making import back_up

    with open_site(site) as opened, progress("Backing up"):
        made = back_up(opened, _place(opened, *where), DOOR)
    value = _generation(made.manifest) | _took(made)
    show(value, lambda page: _tell(page, made), as_json=as_json)


def _seconds_until_next(
    site: Path, where: tuple[Path | None, Path | None], every: float, *, as_json: bool
) -> float:
    """Back up, tell what went wrong, and return how long to wait before the next one."""
    from bedside.site.backup.duty import RETRY_SECONDS

    try:
        _back_up(site, where, as_json=as_json)
    except UsageError:
        raise
    except BedsideError as problem:
        complain(problem.message, problem.advice)
        return min(every * 3600, RETRY_SECONDS)
    return every * 3600


def _place(opened: Site, folder: Path | None, keys_folder: Path | None) -> Place:
    from bedside.site.backup.making import place_of
    from bedside.site.backup.place import Place

    if folder is not None:
        return Place.at(folder, keys_folder)
    if keys_folder is not None:
        raise UsageError("--keys-folder was given without --folder.", advice="Name both.")
    return place_of(opened.settings.backup)


def _place_without_site(site: Path, folder: Path | None, keys_folder: Path | None) -> Place:
    from bedside.site.backup.making import place_of
    from bedside.site.backup.place import Place
    from bedside.site.settings import SETTINGS_FILE, read_settings

    if folder is not None:
        return Place.at(folder, keys_folder)
    settings = read_settings(site / SETTINGS_FILE)
    return place_of(settings.backup).belonging_to(settings.origin)


def _note(path: Path) -> str:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", advice="bedside ledger checkpoint writes one.")
    if path.stat().st_size > MAX_CHECKPOINT_BYTES:
        raise UsageError(f"{path} has more than {MAX_CHECKPOINT_BYTES} bytes: it is no checkpoint.")
    text = path.read_text(encoding="utf-8", errors="replace")
    return text if text.endswith("\n") else text + "\n"


def _generation(manifest: Manifest) -> dict[str, Json]:
    return {
        "generation": manifest.generation,
        "made": manifest.made,
        "origin": manifest.origin,
        "size": manifest.size,
        "root": manifest.root,
        "schema": manifest.schema,
        "data_bytes": manifest.data.size,
        "keys_bytes": manifest.keys.size,
    }


def _took(made: Made) -> dict[str, Json]:
    return {
        "seconds": dict(made.seconds),
        "pruned": list(made.pruned),
        "keys_forgotten_in": list(made.mended),
    }


def _tell(page: Page, made: Made) -> None:
    found = made.manifest
    page.line(f"{found.generation}: {found.size} entries", style="bold")
    page.check(True, f"data {found.data.size} bytes, keys {found.keys.size} bytes, encrypted")
    page.check(True, f"written and read back in {sum(made.seconds.values()):.1f} s")
    for name in made.pruned:
        page.line(f"  pruned {name}")
    for name in made.mended:
        page.line(f"  erased keys taken out of {name}")


def _proof(proof: Proof) -> dict[str, Json]:
    return {
        "entries": proof.entries,
        "checkpoints": proof.checkpoints,
        "models": list(proof.models),
        "unproven": dict(proof.unproven),
        "lost": proof.lost,
        "ledger_key": proof.ledger_key,
        "event": proof.index,
    }


def _tell_proof(page: Page, proof: Proof) -> None:
    page.check(True, f"{proof.entries} entries verified, {proof.checkpoints} signed checkpoints")
    page.check(True, "people, keys, versions, approvals and releases are as they tell")
    for model in proof.models:
        page.check(True, f"{model}: its golden cases hold on this machine")
    for model, reason in proof.unproven.items():
        page.check(False, f"{model}: {reason}")
    if proof.lost:
        page.check(False, f"{proof.lost} entries were recorded after the backup, and are lost")


def _row(one: dict[str, Json]) -> tuple[str, ...]:
    names = ("generation", "made", "size", "data_bytes", "keys_bytes")
    return (*(str(one.get(name, "")) for name in names), "yes" if one["whole"] else "NO")
