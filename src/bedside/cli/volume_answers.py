"""An analysis as the command line tells it: from its own `measurements.json`, as JSON and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bedside.canonical import Json
from bedside.cli.inspection import english
from bedside.cli.screen import Page, on_one_line

if TYPE_CHECKING:
    from bedside.package.manifest import Manifest

UNRECORDED: Final = "UNRECORDED, not for clinical use"


def document_of(manifest: Manifest, package: str, files: Mapping[str, bytes]) -> dict[str, Json]:
    """Return what is told of an analysis, as JSON.

    Args:
        manifest: Of the package that analysed.
        package: Its digest.
        files: What came of it, by name.
    """
    from bedside.runtime.analysis_files import MEASUREMENTS

    told = json.loads(files[MEASUREMENTS])
    value: dict[str, Json] = {
        "model": manifest.name,
        "version": manifest.version,
        "package": package,
        "use": {
            "claim_level": manifest.claim_level,
            "intended_use": dict(manifest.intended_use),
            "not_for": dict(manifest.not_for),
        },
        "recorded": told["recorded"],
    }
    if not told["recorded"]:
        value["warning"] = UNRECORDED
    value["analysis"] = told
    return value


def tell_analysis(page: Page, manifest: Manifest, value: Mapping[str, Json]) -> None:
    """Write what `document_of` gave, with `files` and `seconds` beside it."""
    if not value["recorded"]:
        page.line(UNRECORDED, style="bold red")
    page.line(f"{manifest.ref} ({manifest.claim_level}), {english(manifest.title)}")
    told = value["analysis"]
    for one in told.get("classes", ()):
        page.line(f"{english(one['shown']) or one['label']}", style="bold")
        page.pairs([_measured(each) for each in one["measurements"]], indent=2)
    if "answer" in told:
        answer = told["answer"]
        page.line(f"{answer['name']}  {answer['value']:.4g} {answer['unit']}", style="bold")
    if told["out_of_domain"] is not None:
        page.line(
            f"out-of-domain score {told['out_of_domain']:.2f} (0: like those it was made with)"
        )
    for flag in told["flags"]:
        page.line(f"! {_words(flag['code'])} ({flag['detail']})", style="yellow")
    for path in value["files"].values():
        page.line(f"  {on_one_line(path)}")
    if "id" in value:
        page.line(f"analysis {value['id']}, recorded {value['at']}")
    page.line(f"Not for: {english(manifest.not_for)}")


def _measured(one: Mapping[str, Json]) -> tuple[str, str]:
    """Return the name and the numbers of one measurement."""
    name = one["quantity"]
    if one.get("region") is not None:
        name = f"{name} {one['region']}"
    value = one["value"]
    if isinstance(value, dict):
        numbers = ", ".join(f"{part} {each:g}" for part, each in value.items())
    else:
        numbers = f"{value:g}"
    unit = "" if one["unit"] == "1" else f" {one['unit']}"
    note = f" ({one['note']})" if one.get("note") else ""
    return str(name), f"{numbers}{unit}{note}"


def _words(code: str) -> str:
    from bedside.serving.flags import FLAGS

    words = FLAGS.get(code)
    return code if words is None else english(words)
