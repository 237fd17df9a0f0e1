"""A request for an analysis, in each of its forms: a form with files, JSON with base64 or a blob."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, get_args

from starlette.requests import Request

from bedside.api import requests
from bedside.api.requests import check_media_type
from bedside.api.room import PictureRoom
from bedside.api.upload_form import UploadForm
from bedside.canonical import Json, read_json
from bedside.errors import UsageError
from bedside.imaging.choice import Rule
from bedside.people.person import Caller
from bedside.serving.analysis_words import Order
from bedside.serving.receiving import Receiving
from bedside.serving.values import Row
from bedside.site.settings import Limits

FORM: Final = "multipart/form-data"
BATCH_BYTES: Final = 1024 * 1024
"""So much of a form is read, sealed and written at once, off the event loop."""

SAID: Final = ("modality", "body_part", "series", "rule")
"""What may be said beside a volume."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rule": get_args(Rule),
        "language": ("en", "ja"),
        "convention": ("radiological", "neurological"),
    }
)
"""Of which one is said, or none; the latter two are of the picture."""

BESIDE: Final = ("subject", "version", "language", "convention")
"""What may be said beside the input."""

OF_ORDER: Final = (*SAID, *BESIDE)
MAX_SAID: Final = 64
"""Characters of what is said: the longest is a DICOM UID (DICOM PS3.5, section 9.1)."""

MAX_CONTAINERS: Final = 8_192
"""Arrays and objects of a JSON body: a series has thousands of files, and nothing else has many."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a request asks, and on what.

    Attributes:
        order: What is asked.
        blob: Id of an upload that was kept; None where the volume came with the request.
    """

    order: Order
    blob: str | None = None


async def read_analysis(request: Request, caller: Caller, received: Receiving) -> Given:
    """Read a request; files that come with it go into `received`.

    Raises:
        HTTPException: 415, a content type that is not read here.
        UsageError: the body is not what its content type says, or a part of it makes no sense.
        LimitExceeded: too large, too many, or too deep.
        Unavailable: no room, or the disk refuses.
    """
    if request.url.query:
        raise UsageError(
            "The address has something behind its '?'.", advice="Put it into the body."
        )
    media_type = check_media_type(request, (requests.MEDIA_TYPE, FORM))
    if media_type == FORM:
        texts = await read_upload(request, received, OF_ORDER)
        return Given(order_of(texts))
    limits: Limits = request.app.state.site.settings.limits
    room: PictureRoom = request.app.state.room
    announced = requests.body_length(request, limits.picture_bytes)
    with room.place(caller.person.id, announced) as take:
        data = await requests.read_bytes(request, limits.picture_bytes, take)
        return await asyncio.to_thread(_from_json, data, received)


async def read_upload(
    request: Request, received: Receiving, known: tuple[str, ...]
) -> dict[str, str]:
    """Read a form as it comes, its files into `received`, and return its short parts.

    Raises:
        UsageError, LimitExceeded, Unavailable: as `UploadForm` and `Receiving` say.
    """
    form = UploadForm(request.headers.get("content-type", ""), known, received)
    batch = bytearray()
    async for part in request.stream():
        batch += part
        if len(batch) >= BATCH_BYTES:
            await asyncio.to_thread(form.take, bytes(batch))
            batch.clear()
    if batch:
        await asyncio.to_thread(form.take, bytes(batch))
    return form.texts()


def order_of(said: Mapping[str, Json]) -> Order:
    """Return what is asked, once every word of it can be.

    Raises:
        UsageError: a word that is no text, too long, unprintable or not one of `WORDS`, or a subject
            that cannot be used.
    """
    words: dict[str, str] = {}
    for name in OF_ORDER:
        value = said.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise UsageError(f"{name!r} is not text.")
        words[name] = value
        if name == "subject":
            Row({}, value)  # which checks it
        elif not (0 < len(value) <= MAX_SAID and value.isprintable()):
            raise UsageError(
                f"{name!r} is {value[:MAX_SAID]!r}.",
                advice=f"Send 1 to {MAX_SAID} characters that can be seen, or leave it out.",
            )
    for name, known in WORDS.items():
        if words.get(name, known[0]) not in known:
            raise UsageError(
                f"There is no {name} {words[name]!r}.", advice=f"Choose from {', '.join(known)}."
            )
    return Order(**words)  # type: ignore[arg-type]


def _from_json(data: bytes, received: Receiving) -> Given:
    body = _object(read_json(data, containers=MAX_CONTAINERS), "The body", ("input", *BESIDE))
    given = _object(body.get("input"), "'input'", ("volume", "blob", *SAID))
    order = order_of({**given, **body})
    blob = given.get("blob")
    if (blob is None) == ("volume" not in given):
        raise UsageError(
            "'input' must hold either a 'volume' or a 'blob'.",
            advice="Send the file in base64, or the id of an upload (/v1/blobs).",
        )
    if blob is not None:
        if not isinstance(blob, str):
            raise UsageError("'blob' is not text.", advice="Send the id of an upload.")
        return Given(order, blob)
    files = given["volume"] if isinstance(given["volume"], list) else [given["volume"]]
    for number, one in enumerate(files, 1):
        received.begin(f"{number:05d}")
        received.add(_decoded(one))
        received.end()
    return Given(order)


def _decoded(text: Json) -> bytes:
    if not isinstance(text, str):
        raise UsageError("'volume' is neither a text in base64 nor a list of such texts.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise UsageError("'volume' is not base64.", advice="Send the file in base64.") from problem


def _object(value: Json, what: str, names: tuple[str, ...]) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object.", advice=f"It takes {', '.join(names)}.")
    if unknown := sorted(value.keys() - set(names)):
        raise UsageError(
            f"{what} has a member {unknown[0][:40]!r}.", advice=f"It takes {', '.join(names)}."
        )
    return value
