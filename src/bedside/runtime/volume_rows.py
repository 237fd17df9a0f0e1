"""A volume as JSON: its file in base64, and what the sender says of it. Golden cases are kept so."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from bedside.canonical import Json
from bedside.errors import InputRefused, VolumeRefused
from bedside.imaging.choice import ONLY, Choice
from bedside.imaging.files import files_of
from bedside.imaging.volume import Volume
from bedside.imaging.volume_reading import read_volume
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import UNSTATED, Stated
from bedside.runtime.gate import Refusals
from bedside.runtime.image_gate import no_base64
from bedside.runtime.stated_codes import CODE_WORDS
from bedside.runtime.volume_gate import VOLUME, refusal_of, volume_limits
from bedside.runtime.wording import shown

STATED: Final = ("modality", "body_part")
"""What a sender may state beside the volume."""


def volume_row(data: bytes, stated: Stated = UNSTATED) -> dict[str, Json]:
    """Return a file, or a zip of files, as a row."""
    said = {"modality": stated.modality, "body_part": stated.body_part}
    named: dict[str, Json] = {name: value for name, value in said.items() if value is not None}
    return {VOLUME: base64.b64encode(data).decode("ascii"), **named}


def read_row(row: Json, declared: VolumeInput, choice: Choice = ONLY) -> tuple[Volume, Stated]:
    """Return the volume in a row, and what is said of it.

    Args:
        row: An object with `volume`, base64 of a file or a zip, and optionally `modality` and
            `body_part`.
        declared: What the model takes; its limits hold before memory is taken.
        choice: Which series, where there are several.

    Raises:
        InputRefused: no such row, or its files cannot be read, with the reason.
    """
    refusals = Refusals()
    if not isinstance(row, dict):
        refusals.add(0, "", "wrong-type", shown(row), "an object with a volume")
        raise InputRefused(tuple(refusals.found))
    for name in row:
        if name not in (VOLUME, *STATED):
            allowed = f"{VOLUME}, {', '.join(STATED)}"
            refusals.add(0, str(name), "unknown-field", shown(row[name]), allowed)
    said = {name: _said(row, name, refusals) for name in STATED}
    data = _decoded(row.get(VOLUME), declared, refusals)
    if refusals.found:
        raise InputRefused(tuple(refusals.found))
    limits = volume_limits(declared)
    try:
        volume = read_volume(files_of([(VOLUME, data)], limits), limits, choice)
    except VolumeRefused as problem:
        raise refusal_of(problem) from problem
    return volume, Stated(**said)


def _said(row: dict[str, Json], name: str, refusals: Refusals) -> str | None:
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    refusals.add(0, name, "wrong-type", shown(value), CODE_WORDS)
    return None


def _decoded(sent: Json, declared: VolumeInput, refusals: Refusals) -> bytes:
    allowed = f"a file of {' or '.join(declared.media)}, as base64"
    if not isinstance(sent, str):
        code, told = ("missing", "nothing") if sent is None else ("wrong-type", shown(sent))
        refusals.add(0, VOLUME, code, told, allowed)
        return b""
    try:
        return base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError):
        refusals.add(0, VOLUME, "wrong-type", no_base64(sent), allowed)
        return b""
