"""Reading a request: strictly, within limits, and before anything is done with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from bedside.canonical import Json, read_json
from bedside.errors import LimitExceeded, UsageError
from bedside.serving.values import Decision, Row, Verdict
from bedside.site.settings import Limits

MEDIA_TYPE = "application/json"

FEWEST_CONTAINERS: Final = 200_000
"""Arrays and objects that a request may always have, and `CONTAINERS` for each row that it may have."""

CONTAINERS: Final = 200

_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^";]*)', re.ASCII)


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What a client wants predicted.

    Attributes:
        rows: The inputs.
        many: In which of the two forms they asked, and so are answered.
        explain: Whether each answer comes with its explanation.
        file: Whether a picture came as a file, and not as base64.
    """

    rows: tuple[Row, ...]
    many: bool
    explain: bool = False
    file: bool = False


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a JSON request, never holding more than `limits.body_bytes` of it.

    Raises:
        HTTPException: 415, the body is not declared to be JSON.
        LimitExceeded: declared longer than the limit, or longer in fact.
        UsageError: the length is not a number.
    """
    check_media_type(request, (MEDIA_TYPE,))
    body_length(request, limits.body_bytes)
    return await read_bytes(request, limits.body_bytes)


def check_media_type(request: Request, known: Collection[str]) -> str:
    """Return the media type of the body, without parameters, once it is one of `known`.

    Raises:
        HTTPException: 415, it is another one, or none, or the body is compressed, or its text is
            declared to be in another encoding than UTF-8 (RFC 8259, section 8.1).
        UsageError: two content types.
    """
    if len(declared := request.headers.getlist("content-type")) > 1:
        raise UsageError("The request has two content types.", advice="Send one.")
    coding = ", ".join(request.headers.getlist("content-encoding")).strip().lower()
    if coding not in ("", "identity"):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content encoding {coding[:100]!r} is not read here; send it uncompressed.",
        )
    media_type, _, parameters = "".join(declared).lower().partition(";")
    media_type = media_type.strip()
    if media_type not in known:
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content type {media_type[:100]!r} is not read here; send {' or '.join(known)}.",
        )
    charset = _CHARSET.search(f";{parameters}")
    if charset is not None and charset[1] not in ("utf-8", "utf8"):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The charset {charset[1][:40]!r} is not read here; send UTF-8.",
        )
    return media_type


def body_length(request: Request, limit: int) -> int:
    """Return how many bytes are announced; 0 where nothing is.

    Raises:
        LimitExceeded: declared longer than `limit`.
        UsageError: the declared length is not a number.
    """
    declared = request.headers.get("content-length")
    if declared is None:
        return 0
    if not declared.isdecimal():
        raise UsageError(f"The content length {declared[:40]!r} is not a number.")
    if len(declared) > 18 or int(declared) > limit:
        raise _too_long(limit)
    return int(declared)


async def read_bytes(
    request: Request, limit: int, take: Callable[[int], None] | None = None
) -> bytes:
    """Return the body, never holding more than `limit` bytes of it.

    Args:
        request: Whose body is read.
        limit: Most bytes.
        take: Is told how many bytes came, before they are kept.

    Raises:
        LimitExceeded: it is longer.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_long(limit)
        if take is not None:
            take(len(part))
        parts.append(part)
    return b"".join(parts)


def read_predict(data: bytes, limits: Limits, *, containers: int | None = None) -> PredictRequest:
    """Return the rows of `{"input": …, "subject": …}` or `{"inputs": [ … ]}`.

    In both forms `"explain": true` asks for explanations.

    Args:
        data: The body.
        limits: The site's.
        containers: Most arrays and objects in it, where it is not what a request may have.

    Raises:
        UsageError: not JSON, or not one of the two forms.
        LimitExceeded: too many rows, or too deep.
    """
    if containers is None:
        containers = max(FEWEST_CONTAINERS, CONTAINERS * limits.rows)
    value = read_json(data, containers=containers)
    body = _object(value, "The body", ("input", "subject", "inputs", "explain"))
    explain = body.get("explain", False)
    if not isinstance(explain, bool):
        raise UsageError("'explain' is neither true nor false.", advice="Leave it out for false.")
    if "inputs" not in body:
        return PredictRequest((_row(body, "The body"),), False, explain)
    if "input" in body or "subject" in body:
        raise UsageError(
            "The body holds 'inputs' beside 'input' or 'subject'.",
            advice="Put input and subject inside each element of inputs.",
        )
    inputs = body["inputs"]
    if not isinstance(inputs, list) or not inputs:
        raise UsageError("'inputs' is not a list with at least one element.")
    if len(inputs) > limits.rows:
        raise LimitExceeded(
            f"The request has {len(inputs)} inputs; at most {limits.rows} are taken at once.",
            advice="Send them in several requests.",
        )
    return PredictRequest(
        tuple(
            _row(_object(item, f"inputs[{place}]", ("input", "subject")), f"inputs[{place}]")
            for place, item in enumerate(inputs)
        ),
        True,
        explain,
    )


def read_decision(data: bytes) -> Decision:
    """Return the decision in `{"verdict": …, "label": …, "reason": …}`.

    Raises:
        UsageError: not JSON, not this form, or an unknown verdict.
    """
    value = read_json(data, containers=FEWEST_CONTAINERS)
    body = _object(value, "The body", ("verdict", "label", "reason"))
    verdicts = [verdict.value for verdict in Verdict]
    verdict, label, reason = body.get("verdict"), body.get("label"), body.get("reason")
    if verdict not in verdicts:
        raise UsageError(
            f"{str(verdict)[:40]!r} is not a verdict.", advice=f"Choose from {', '.join(verdicts)}."
        )
    if not (label is None or isinstance(label, str)):
        raise UsageError("'label' is not text.", advice="Send one of the model's labels.")
    if not (reason is None or isinstance(reason, str)):
        raise UsageError("'reason' is not text.")
    return Decision(Verdict(verdict), label, reason or "")


def bearer_secret(request: Request) -> str | None:
    """Return what stands behind `Bearer` in the one `Authorization` header, or None.

    Source: RFC 6750, section 2.1.
    """
    headers = request.headers.getlist("authorization")
    if len(headers) != 1:
        return None
    scheme, _, secret = headers[0].partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _row(body: dict[str, Json], what: str) -> Row:
    if "input" not in body:
        raise UsageError(
            f"{what} has no 'input'.", advice='Send {"input": {…}}, with the model\'s fields in it.'
        )
    subject = body.get("subject")
    if not (subject is None or isinstance(subject, str)):
        raise UsageError(f"The subject in {what} is not text.")
    return Row(body["input"], subject)


def _object(value: Json, what: str, names: Collection[str]) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object.", advice=f"It takes {', '.join(names)}.")
    if unknown := sorted(value.keys() - set(names)):
        raise UsageError(
            f"{what} has a member {unknown[0][:40]!r}.", advice=f"It takes {', '.join(names)}."
        )
    return value


def _too_long(limit: int) -> LimitExceeded:
    return LimitExceeded(
        f"The body is longer than {limit} bytes.",
        advice="Send fewer inputs at once, or smaller ones.",
    )
