"""`bedside verify`: every check of a package, one line each.

The order matters: nothing of the model is loaded before the archive, the digests and the
signature are right. A check that was not reached says so; it is never shown as passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.door import open_site
from bedside.cli.errors import document, refused
from bedside.cli.options import JsonOption, PythonOption, WeightsOption
from bedside.cli.packages import PackageArgument, signer
from bedside.cli.screen import Page, progress, show
from bedside.cli.shipped import meant
from bedside.errors import (
    BedsideError,
    LimitExceeded,
    NotFound,
    PackageRefused,
    SignatureRefused,
    UsageError,
)

if TYPE_CHECKING:
    from bedside.keys.signing import PublicKey
    from bedside.package.manifest import Manifest
    from bedside.package.package import Package
    from bedside.runtime.engines.engine import Engines

TrustOption = Annotated[
    list[Path] | None,
    typer.Option("--trust", help="A public key (PEM) that you trust; may be given several times."),
]
SiteKeysOption = Annotated[
    Path | None, typer.Option("--site", help="A site's folder: the keys that it trusts count.")
]

CHECKS = ("archive", "manifest", "digests", "signature", "conditions", "golden")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it passed (None: not reached), and what was found."""

    name: str
    passed: bool | None
    found: str


def verify(
    package: PackageArgument,
    trust: TrustOption = None,
    site: SiteKeysOption = None,
    weights: WeightsOption = None,
    antspynet_python: PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a package completely: archive, manifest, digests, signature, conditions, golden cases."""
    ours = meant(package)
    if ours is None and not package.is_file():
        raise NotFound(f"There is no package file {package}.", advice="Check the path.")
    from bedside.runtime.engines.engine import Engines

    keys = trusted_keys(trust or [], site)
    if ours is not None:
        package = ours.path
        keys += [] if site is not None else [ours.key()]  # a site says itself whom it trusts
    with progress(f"Verifying {package.name}"):
        checks, problem = examine(package, keys, Engines(weights, antspynet_python))
    value: dict[str, Json] = {"ok": problem is None, "checks": [asdict(one) for one in checks]}
    if problem is not None:
        value |= document(problem)
    show(value, lambda page: tell_checks(page, checks), as_json=as_json)
    if problem is not None:
        raise refused(problem)


def trusted_keys(files: Sequence[Path], site: Path | None) -> list[PublicKey]:
    """Return the keys of these PEM files and those that the site trusts."""
    from bedside.keys.signing import PublicKey

    keys = [PublicKey.load(path) for path in files]
    if site is not None:
        with open_site(site) as opened:
            keys += [trusted.public for trusted in opened.registry.trusted_keys()]
    return keys


def examine(
    path: Path, keys: Sequence[PublicKey], engines: Engines | None = None
) -> tuple[list[Check], BedsideError | None]:
    """Return every check of the package at `path`, and the first problem, or None."""
    steps = _steps(path, keys, engines)
    checks: list[Check] = []
    problem: BedsideError | None = None
    for name in CHECKS:
        if problem is not None:
            checks.append(Check(name, None, "not reached"))
            continue
        try:
            checks.append(Check(name, True, next(steps)))
        except (PackageRefused, LimitExceeded, UsageError) as found:
            checks.append(Check(name, False, found.message))
            problem = found
    return checks, problem


def _steps(path: Path, keys: Sequence[PublicKey], engines: Engines | None) -> Iterator[str]:
    """Yield what each of `CHECKS` found, in their order; raise at the first that fails."""
    from bedside.package.archive import MANIFEST, read_archive, read_file
    from bedside.package.manifest import read_manifest
    from bedside.package.package import check_signature, open_package

    data = read_file(path)
    entries = read_archive(data)
    yield f"{len(data)} bytes, {len(entries)} entries, the one valid spelling"
    manifest = read_manifest(entries.get(MANIFEST, b""))
    yield f"{manifest.ref}, format version {manifest.format_version}{_more(manifest)}"
    package = open_package(data)
    yield f"every entry is what the manifest lists; {package.digest}"
    if not keys:
        raise SignatureRefused(
            f"No key to trust was given; the package names {signer(package) or 'no key at all'}.",
            advice="Give the author's public key with --trust, or a site that trusts it with --site.",
        )
    yield f"signed by {check_signature(package, keys).fingerprint}"
    yield from _model_steps(package, engines)


def _more(manifest: Manifest) -> str:
    """Return what a package takes that is no row of fields, and how it explains its answers."""
    words = ""
    if manifest.input.kind == "image":
        declared = manifest.input
        words += f"; takes one picture ({', '.join((*declared.media, *declared.modalities))})"
    if manifest.input.kind == "volume":
        volumes = manifest.input
        words += f"; takes one volume ({', '.join((*volumes.media, *volumes.modalities))})"
    if manifest.explanation is not None:
        explanation = manifest.explanation
        words += f"; explains by {explanation.kind}, {explanation.passes} passes"
    return words


def _model_steps(package: Package, engines: Engines | None) -> Iterator[str]:
    from bedside.runtime.engines.engine import ONNX_ONLY
    from bedside.runtime.runner import Runner
    from bedside.runtime.session import check_conditions

    conditions = package.manifest.conditions
    check_conditions(conditions)
    runner = Runner(package, engines or ONNX_ONLY)
    yield f"ONNX Runtime {conditions.runtime} on {conditions.processor}; the model loads"
    report = runner.replay_golden()
    yield (
        f"{report.cases}/{report.cases} agree; largest difference "
        f"{report.largest_difference:.2g}, allowed {report.tolerance:g}"
    )


def tell_checks(page: Page, checks: Sequence[Check]) -> None:
    """Write one line for each check: ✓, ✗, or – where it was not reached."""
    for check in checks:
        if check.passed is None:
            page.line(f"– {check.name:<10}  {check.found}")
        else:
            page.check(check.passed, f"{check.name:<10}  {check.found}")
