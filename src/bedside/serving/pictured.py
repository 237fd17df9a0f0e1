"""What the ledger keeps of a row with a picture: what names the picture, and never its pixels.

The picture itself stays in the archive that it came from. Its SHA-256 says later, without doubt,
which file was meant, and the SOP Instance UID where to look for it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Final

from bedside.canonical import Json, digest
from bedside.errors import InputRefused
from bedside.imaging.dicom.naming import sop_instance_of
from bedside.imaging.picture import Facts

IMAGE: Final = "image"
"""The member of a raw row that holds the file, as base64."""

FACTS: Final = (
    "medium",
    "rows",
    "columns",
    "bits",
    "syntax",
    "modality",
    "body_part",
    "view",
    "laterality",
    "sop_instance",
    "series",
    "study",
)
"""What is kept of `imaging.picture.Facts`."""

MAX_TEXT: Final = 200
"""Longer text beside a picture is kept as its digest: it may be a picture under a wrong name."""

MAX_NAMES: Final = 64
"""Members that are kept of a refused row; the model knows four."""


def kept_row(row: dict[str, Json]) -> dict[str, Json]:
    """Return a row that was answered, with the digest and size of its file instead of the file.

    Args:
        row: A row that the gate took: `image` is base64. What else is stated is short text, as the
            gate holds; should it ever not be, its digest is kept.
    """
    stated = {name: _kept(value) for name, value in row.items() if name != IMAGE}
    return stated | {IMAGE: _file(base64.b64decode(row[IMAGE]))}


def kept_anything(sent: Json) -> Json:
    """Return what is kept of a refused row, which may be anything; its size is bounded."""
    if not isinstance(sent, dict):
        return _kept(sent)
    names = sorted(sent)[:MAX_NAMES]
    kept = {name[:MAX_TEXT]: _kept(sent[name]) for name in names if name != IMAGE}
    if len(sent) > MAX_NAMES:
        kept["…"] = f"{len(sent) - MAX_NAMES} more"
    return kept | ({IMAGE: _image(sent[IMAGE])} if IMAGE in sent else {})


def facts_kept(facts: Facts) -> dict[str, Json]:
    """Return the facts of a picture as JSON: what the file and the sender said of it."""
    return {name: _kept(getattr(facts, name)) for name in FACTS}


def refused_file(refused: InputRefused) -> InputRefused:
    """Return a refusal in the words of whoever sent a file: nothing of base64 is said to them."""
    return InputRefused(
        tuple(
            replace(one, allowed=one.allowed.removesuffix(", as base64"))
            if one.field == IMAGE
            else one
            for one in refused.refusals
        )
    )


def refused_kept(sent: Json) -> dict[str, Json] | None:
    """Return what names the picture of a refused row, beside its digest: its SOP Instance UID."""
    image = sent.get(IMAGE) if isinstance(sent, dict) else None
    if not isinstance(image, str):
        return None
    try:
        uid = sop_instance_of(base64.b64decode(image, validate=True))
    except ValueError:  # binascii.Error, or characters beyond ASCII
        return None
    return None if uid is None else {"sop_instance": uid}


def _image(sent: Json) -> Json:
    if not isinstance(sent, str):
        return _kept(sent)
    try:
        return _file(base64.b64decode(sent, validate=True))
    except ValueError:  # binascii.Error, or characters beyond ASCII
        return _long(sent)


def _kept(value: Json) -> Json:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else _long(value)
    if isinstance(value, dict | list):
        return _long(json.dumps(value, sort_keys=True, separators=(",", ":")))
    return value


def _long(text: str) -> dict[str, Json]:
    data = text.encode("utf-8", "surrogatepass")
    return {"digest": digest(data), "characters": len(text)}


def _file(data: bytes) -> dict[str, Json]:
    return {"digest": digest(data), "bytes": len(data)}
