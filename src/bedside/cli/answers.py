"""An answer as the command line tells it: as JSON, and in words with a bar for each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.inspection import english
from bedside.cli.screen import Page, on_one_line, probability

if TYPE_CHECKING:
    from bedside.package.manifest import Manifest
    from bedside.runtime.postprocess import Answer
    from bedside.serving.values import Prediction

MOST_BARS = 20
"""Fields whose contribution is drawn; the others are only counted."""

BAR = 24
"""Columns of the longest bar."""


def spoken(answer: Answer | Prediction, manifest: Manifest) -> dict[str, Json]:
    """Return an answer as JSON; about pictures, and where it is explained, with more members."""
    output = manifest.row_output
    classes = () if output.kind == "number" else output.classes
    shown = next((dict(one.shown) for one in classes if one.label == answer.label), {})
    value: dict[str, Json] = {
        "label": answer.label,
        "shown": shown,
        "scores": dict(answer.scores),
        "threshold": answer.threshold,
    }
    if answer.picture is None and answer.explanation is None:
        return value
    from bedside.serving.explanations import explanation_told
    from bedside.serving.flags import flags_told
    from bedside.serving.sentence import told

    value |= {"told": told(manifest, answer), "flags": flags_told(answer.flags)}
    if answer.explanation is not None:
        value["explanation"] = explanation_told(answer.explanation)
    return value


def tell_answer(page: Page, manifest: Manifest, answer: Mapping[str, Json], name: str) -> None:
    """Write one answer as `spoken` gave it; `name` says what it is about."""
    page.line(f"{on_one_line(name)}  {_in_numbers(manifest, answer)}", style="bold")
    if "told" in answer:
        page.line(f"       {english(answer['told'])}")
    for flag in answer.get("flags", ()):
        page.line(f"       ! {english(flag['words'])} ({flag['detail']})", style="yellow")
    if "explanation" in answer:
        _tell_explanation(page, answer["explanation"])
    if "heat_map" in answer:
        _tell_heat_map(page, answer["heat_map"])
    if "id" in answer:
        page.line(f"       prediction {answer['id']}, recorded {answer['recorded']['at']}")


def _tell_heat_map(page: Page, found: Json) -> None:
    """Write where a heat map is, or why it is nowhere."""
    if isinstance(found, str):
        page.line(f"       heat map: {on_one_line(found)}")
    else:
        page.line(f"       no heat map: {on_one_line(found['error']['message'])}", style="red")


def _in_numbers(manifest: Manifest, answer: Mapping[str, Json]) -> str:
    output = manifest.row_output
    unit = f" {output.unit}" if output.kind == "number" else ""
    scores = ", ".join(
        f"{name} {value:.4g}{unit}" if output.kind == "number" else f"{name} {probability(value)}"
        for name, value in answer["scores"].items()
    )
    words = english(answer["shown"])
    label = f"{answer['label']}{f' ({words})' if words else ''}: " if answer["label"] else ""
    mark = "" if answer["threshold"] is None else f"; threshold {answer['threshold']:g}"
    return f"{label}{scores}{mark}"


def _tell_explanation(page: Page, explanation: Mapping[str, Json]) -> None:
    of, scale, base = explanation["of"], explanation["scale"], explanation["base"]
    if explanation["kind"] == "picture":
        page.line(f"       why {of!r}: see the heat map; {scale} {base:.4g} for the whole picture")
        return
    fields = explanation["contributions"]
    page.line(f"       why {of!r}: {scale} {base:+.4g} of the reference row, and")
    largest = max((abs(one["contribution"]) for one in fields), default=0.0)
    width = max((len(one["field"]) for one in fields[:MOST_BARS]), default=0)
    for one in fields[:MOST_BARS]:
        bar = "█" * round(BAR * abs(one["contribution"]) / largest) if largest else ""
        error = f" ± {one['error']:.2g}" if one["error"] else ""
        page.line(f"         {one['field']:<{width}}  {one['contribution']:+9.4g}{error}  {bar}")
    if len(fields) > MOST_BARS:
        page.line(f"         and {len(fields) - MOST_BARS} more fields")
    page.line(f"       give {explanation['total']:+.4g} for this row")
