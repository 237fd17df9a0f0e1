"""A request with a picture, in any of its forms: JSON, a form (multipart), or the file alone.

All end as the same raw row, `{"image": base64, "modality": …, "body_part": …, "view": …}`, so that
the same handler gates, answers and records them alike.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.requests import Request

from bedside.api import requests
from bedside.api.multipart import Part, read_parts
from bedside.api.requests import PredictRequest
from bedside.canonical import Json
from bedside.errors import LimitExceeded, UsageError
from bedside.serving.values import Row
from bedside.site.settings import Limits

FORM: Final = "multipart/form-data"

FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "application/dicom": "a DICOM file",
        "image/png": "a PNG file",
        "image/jpeg": "a JPEG file",
    }
)
"""Media types of a file that is sent alone. Source: RFC 3240 (DICOM); RFC 2046, section 4.2."""

SAME: Final[Mapping[str, str]] = MappingProxyType({"image/jpg": "image/jpeg"})
"""Names that no registry has, and many programs send."""

TYPES: Final = (requests.MEDIA_TYPE, FORM, *FILES)

STATED: Final = ("modality", "body_part", "view")
"""What may be said beside a picture; a DICOM header goes before it."""

PARTS: Final = ("image", *STATED, "subject", "explain")

MAX_CONTAINERS: Final = 200
"""Arrays and objects of a body with pictures: sixteen of them need 34."""

MAX_MARKS: Final = 20_000
"""Commas and quotes of a body with pictures: base64 has none, so all others are few."""

MAX_STATED: Final = 1000
"""Bytes of a part that is text: longer than any subject or code."""

_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (128, b"DICM", "application/dicom"),
)
"""At which byte which bytes stand. Source: PNG 3rd ed., section 5.2; JPEG T.81, B.1.1.3; DICOM PS3.10, section 7.1."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around the body of a request.

    Attributes:
        media_type: One of `TYPES`.
        content_type: The header in full.
        query: What stands in the address behind `?`, in its order.
    """

    media_type: str
    content_type: str
    query: Sequence[tuple[str, str]]


def envelope_of(request: Request) -> Envelope:
    """Return what stands around the body of `request`.

    Raises:
        HTTPException: 415, a content type in which no picture comes.
        UsageError: two content types.
    """
    if len(request.headers.getlist("content-type")) > 1:
        raise UsageError("The request has two content types.", advice="Send one.")
    media_type = requests.check_media_type(request, (*TYPES, *SAME))
    media_type = SAME.get(media_type, media_type)
    content_type = request.headers.get("content-type", "")
    return Envelope(media_type, content_type, request.query_params.multi_items())


def read_pictures(data: bytes, envelope: Envelope, limits: Limits) -> PredictRequest:
    """Return what a body with a picture asks for.

    Raises:
        UsageError: the body is not what its content type says, or a part of it makes no sense.
        LimitExceeded: too many inputs, parts or characters.
    """
    if not data:
        raise UsageError("The body is empty.", advice="Send the picture in it.")
    if envelope.media_type in FILES:
        return _alone(data, envelope)
    if envelope.query:
        raise UsageError(
            f"The address has {envelope.query[0][0][:40]!r} behind its '?'.",
            advice="Beside JSON or a form, put it into the body.",
        )
    if envelope.media_type == FORM:
        return _from_form(read_parts(data, envelope.content_type, PARTS))
    if data.count(b",") + data.count(b'"') > MAX_MARKS:
        raise LimitExceeded(
            f"The body has more than {MAX_MARKS} commas and quotes.",
            advice="Send each picture as one text in base64, not as numbers.",
        )
    return requests.read_predict(data, limits, containers=MAX_CONTAINERS)


def _alone(data: bytes, envelope: Envelope) -> PredictRequest:
    _check_signature(data, envelope.media_type, "The body")
    said: dict[str, str] = {}
    for name, value in envelope.query:
        if "\ufffd" in name + value:  # what stands for bytes that are not UTF-8
            raise UsageError(f"{name[:40]!r} in the address is not UTF-8.", advice="Send UTF-8.")
        if name == "subject":
            raise UsageError(
                "A subject stands in the address, and addresses are written into logs.",
                advice="Send JSON or a form, with the subject in the body.",
            )
        if name not in (*STATED, "explain"):
            raise UsageError(
                f"The address has {name[:40]!r} behind its '?'.",
                advice=f"It takes {', '.join((*STATED, 'explain'))}.",
            )
        if name in said:
            raise UsageError(f"{name!r} stands twice in the address.", advice="Send it once.")
        said[name] = _filled(value, f"{name!r} in the address")
    return _asked(data, said, None)


def _from_form(parts: Mapping[str, Part]) -> PredictRequest:
    if "image" not in parts:
        raise UsageError("The form has no part 'image'.", advice="Send the file in it.")
    image = parts["image"]
    if not image.data:
        raise UsageError("The part 'image' is empty.", advice="Send the file in it.")
    media_type = SAME.get(image.media_type, image.media_type)
    if media_type in FILES:
        _check_signature(image.data, media_type, "The part 'image'")
    said = {name: _text(name, part) for name, part in parts.items() if name != "image"}
    return _asked(image.data, said, said.pop("subject", None))


def _asked(data: bytes, said: Mapping[str, str], subject: str | None) -> PredictRequest:
    explain = said.get("explain", "false").lower()  # Python's form libraries send True
    if explain not in ("true", "false"):
        raise UsageError(
            f"'explain' is {explain[:40]!r}.", advice="Send true or false, or leave it out."
        )
    row: dict[str, Json] = {name: said[name] for name in STATED if name in said}
    row["image"] = base64.b64encode(data).decode("ascii")
    return PredictRequest((Row(row, subject),), many=False, explain=explain == "true", file=True)


def _text(name: str, part: Part) -> str:
    if len(part.data) > MAX_STATED:
        raise LimitExceeded(f"The part {name!r} has more than {MAX_STATED} bytes.")
    try:
        return _filled(part.data.decode("utf-8"), f"The part {name!r}")
    except UnicodeDecodeError as problem:
        raise UsageError(f"The part {name!r} is not UTF-8.", advice="Send UTF-8.") from problem


def _filled(value: str, what: str) -> str:
    if not value:
        raise UsageError(f"{what} is empty.", advice="Fill it in, or leave it out.")
    return value


def _check_signature(data: bytes, media_type: str, what: str) -> None:
    """Refuse a file that is plainly of another type; one that no type knows is the gate's affair."""
    found = next((kind for at, sign, kind in _SIGNATURES if data.startswith(sign, at)), media_type)
    if found != media_type:
        raise UsageError(
            f"{what} is declared to be {media_type} and is {FILES[found]}.",
            advice=f"Declare it as {found}.",
        )
