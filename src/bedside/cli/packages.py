"""`bedside inspect`: what a package says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.inspection import tell_manifest
from bedside.cli.options import JsonOption
from bedside.cli.screen import Page, show
from bedside.cli.shipped import meant
from bedside.cli.strangers import SUFFIXES, inspect_stranger
from bedside.errors import NotFound

if TYPE_CHECKING:
    from bedside.package.package import Package

PackageArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PKG",
        help="A .bedside file, or a package that comes with Bedside: brain-extraction.",
    ),
]


def inspect(package: PackageArgument, as_json: JsonOption = False) -> None:
    """Show what a package is, for whom, what it takes, how good it is and who signed it.

    Of another model file (.pkl, .joblib, .pt, .pth, .safetensors, .onnx): what it would run.
    """
    if package.suffix in SUFFIXES:
        inspect_stranger(package, as_json=as_json)
        return
    found = read_package(package)
    show(_description(found), lambda page: _tell_package(page, found), as_json=as_json)


def read_package(path: Path) -> Package:
    """Return the package in the file `path`, or the shipped one of this name; nothing of it is executed.

    Raises:
        NotFound: there is no such file.
        PackageDamaged: it is not a package.
        SignatureRefused: it is said to come with Bedside, and is another one.
    """
    from bedside.package.package import open_package

    if (found := meant(path)) is not None:
        return found.package()
    if not path.is_file():
        raise NotFound(f"There is no package file {path}.", advice="Check the path.")
    return open_package(path)


def signer(package: Package) -> str:
    """Return the fingerprint of the key that the package names as its signer's, or an empty text."""
    return "" if package.signature is None else package.signature.key


def _description(package: Package) -> dict[str, Json]:
    return {
        "ref": package.manifest.ref,
        "digest": package.digest,
        "signed_by": signer(package) or None,
        "manifest": package.manifest.model_dump(mode="json"),
    }


def _tell_package(page: Page, package: Package) -> None:
    tell_manifest(page, package.manifest)
    golden = package.manifest.golden
    page.heading("Package")
    page.pairs(
        [
            ("digest", package.digest),
            ("signed by", f"{signer(package)} (not checked here; `bedside verify` does)")
            if package.signature
            else ("signed by", "nobody"),
            ("golden cases", f"{golden.cases}, within {golden.tolerance:g}"),
        ],
        indent=2,
    )
