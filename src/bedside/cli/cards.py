"""`bedside card` and `bedside bom`: what a package tells people, and what it tells inventories."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from bedside.canonical import Json
from bedside.cli.options import JsonOption, LanguageOption
from bedside.cli.packages import PackageArgument, read_package
from bedside.cli.screen import Page, show, write_json
from bedside.errors import UsageError

OutOption: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write to this file instead of the screen.")
]


def card(
    package: PackageArgument,
    html: Annotated[
        bool, typer.Option("--html", help="One HTML page instead of Markdown.")
    ] = False,
    language: LanguageOption = "en",
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the model card of a package, in Markdown or as one HTML page, in English or Japanese."""
    from bedside.package.card.markdown import card_markdown
    from bedside.package.card.page import card_html

    manifest = read_package(package).manifest
    text = (card_html if html else card_markdown)(manifest, language)
    kind = "html" if html else "markdown"
    _hand_over(text, out, {"ref": manifest.ref, "language": language, "kind": kind}, as_json)


def bom(package: PackageArgument, out: OutOption = None, as_json: JsonOption = False) -> None:
    """Write the bill of materials of a package: CycloneDX 1.6 JSON, with model, data, libraries."""
    from bedside.package.bom import bill_of_materials, bom_json

    manifest = read_package(package).manifest
    if out is None:
        write_json(bill_of_materials(manifest))
    else:
        about = {"ref": manifest.ref, "kind": "cyclonedx"}
        _hand_over(bom_json(manifest), out, about, as_json)


def _hand_over(text: str, out: Path | None, about: dict[str, Json], as_json: bool) -> None:
    """Write `text` to `out`, and say so; without one, write it on the screen."""
    if out is not None:
        _write(out, text)
        show({**about, "out": str(out)}, lambda page: _tell(page, out, about), as_json=as_json)
    elif as_json:
        show({**about, "text": text}, lambda _: None, as_json=True)
    else:
        sys.stdout.write(text)


def _tell(page: Page, out: Path, about: dict[str, Json]) -> None:
    page.line(f"{out}: {about['kind']} of {about['ref']}")


def _write(out: Path, text: str) -> None:
    from bedside.freezing.output import write_whole

    try:
        write_whole(out, text.encode("utf-8"))
    except OSError as problem:
        raise UsageError(
            f"{str(out)!r} cannot be written: {problem.strerror}.",
            advice="Give the name of a file in a folder of yours.",
        ) from problem
