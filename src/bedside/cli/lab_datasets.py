"""`bedside lab dataset FOLDER`: the manifest of a data set, with a digest of every file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bedside.canonical import Json
from bedside.cli.options import JsonOption
from bedside.cli.screen import Page, on_one_line, progress, show
from bedside.errors import UsageError


def dataset(  # noqa: PLR0913, PLR0917 - a command's options
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files are.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The manifest, JSON.")],
    name: Annotated[str, typer.Option("--name", help="What the data set is called.")],
    licence: Annotated[str, typer.Option("--licence", help="Under which it may be used.")],
    consent: Annotated[str, typer.Option("--consent", help="Why it may be used.")],
    origin: Annotated[str, typer.Option("--origin", help="Where it comes from.")],
    role: Annotated[str, typer.Option("--role", help="What each file is.")] = "image",
    table: Annotated[
        Path | None,
        typer.Option("--table", help="CSV: patient, case, contrast, image, mask, fact:sex ..."),
    ] = None,
    pseudonyms: Annotated[
        Path | None, typer.Option("--pseudonyms", help="Key file; made where it is missing.")
    ] = None,
    as_they_are: Annotated[
        bool, typer.Option("--as-they-are", help="Patients are named by pseudonyms already.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the manifest of a data set: every file with its digest, whose it is, and why it may be used.

    Without --table every NIfTI file is a case, and a patient, by itself.
    """
    from bedside.lab.datasets import listing
    from bedside.lab.datasets.manifest import write_dataset

    if (pseudonyms is None) is not as_they_are:
        raise UsageError(
            "Say what becomes of the patients' names.",
            advice="--pseudonyms KEYFILE replaces them; --as-they-are keeps what are pseudonyms.",
        )
    naming = listing.as_they_are if pseudonyms is None else listing.keyed_naming(pseudonyms)
    words = listing.Words(name, licence, consent, origin)
    with progress("Reading every file"):
        if table is None:
            made = listing.list_folder(folder, role, words, naming)
        else:
            made = listing.list_table(folder, table, words, naming)
        write_dataset(listing.rooted(made, folder, out), out)
    patients = len({one.patient for one in made.cases})
    value: dict[str, Json] = {
        "manifest": str(out),
        "digest": made.digest,
        "cases": len(made.cases),
        "patients": patients,
    }

    def tell(page: Page) -> None:
        page.line(f"{on_one_line(str(out))}: {len(made.cases)} cases of {patients} patients")
        page.line(made.digest)

    show(value, tell, as_json=as_json)
