"""Errors as problem details (RFC 9457): one table from our error tree to HTTP status codes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from bedside.canonical import Json
from bedside.errors import (
    BedsideError,
    Conflict,
    FreezeRefused,
    InputRefused,
    KeyUnavailable,
    LedgerBroken,
    LimitExceeded,
    NotFound,
    PackageRefused,
    PermissionRefused,
    PictureRefused,
    RepeatDiffers,
    SignInRefused,
    SiteProblem,
    TooOften,
    Unavailable,
    UsageError,
    VolumeRefused,
)

MEDIA_TYPE: Final = "application/problem+json"

OPEN_INFERENCE: Final = "/v2/"
"""Under this address errors are said in the form of the Open Inference Protocol."""

STATUS: Final[Mapping[type[BedsideError], HTTPStatus]] = MappingProxyType(
    {
        UsageError: HTTPStatus.BAD_REQUEST,
        SignInRefused: HTTPStatus.UNAUTHORIZED,
        PermissionRefused: HTTPStatus.FORBIDDEN,
        NotFound: HTTPStatus.NOT_FOUND,
        Conflict: HTTPStatus.CONFLICT,
        RepeatDiffers: HTTPStatus.UNPROCESSABLE_ENTITY,
        LimitExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        TooOften: HTTPStatus.TOO_MANY_REQUESTS,
        InputRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        PictureRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        VolumeRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        FreezeRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        PackageRefused: HTTPStatus.SERVICE_UNAVAILABLE,
        Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
        SiteProblem: HTTPStatus.SERVICE_UNAVAILABLE,
        KeyUnavailable: HTTPStatus.INTERNAL_SERVER_ERROR,
        LedgerBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
        BedsideError: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
"""The status of each kind of error; a kind that is not here has that of its nearest ancestor."""

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "usage-error": "The request makes no sense as it is",
        "sign-in-refused": "Nobody we know",
        "permission-refused": "Not allowed for you",
        "not-found": "Not here",
        "conflict": "It is already so, or no longer so",
        "repeat-differs": "The key was used for another request",
        "limit-exceeded": "Too large or too many",
        "too-often": "Too often",
        "too-slow": "The request did not come in time",
        "input-refused": "The gate refused the input",
        "picture-refused": "This is no picture that can be read here safely",
        "volume-refused": "These files are no volume that can be read here safely and exactly",
        "freeze-refused": "The model cannot be frozen exactly",
        "package-refused": "The model's package was refused",
        "unavailable": "Cannot answer now",
        "site-problem": "The site cannot be used as it is",
        "key-unavailable": "A key is missing or was destroyed",
        "ledger-broken": "The record does not prove what it claims",
        "bedside-error": "Something went wrong",
        "unsupported-media-type": "A content type that is not read here",
        "method-not-allowed": "Not with this method",
        "internal-error": "Something went wrong on our side",
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem detail.

    Attributes:
        kind: The stable last part of `type`, such as `input-refused`.
        status: HTTP status code.
        detail: What was found.
        advice: The next step, or an empty string.
        instance: The path that was asked for.
        more: Further members, such as `refusals`.
        headers: HTTP headers that belong to it.
    """

    kind: str
    status: int
    detail: str
    advice: str = ""
    instance: str = ""
    more: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_protocol(self) -> bool:
        """Whether a client of the Open Inference Protocol asked, who reads errors in its form."""
        return f"{self.instance}/".startswith(OPEN_INFERENCE)

    def body(self) -> bytes:
        """Return the problem as JSON text in UTF-8."""
        value: dict[str, Json] = {
            "type": f"urn:bedside:problem:{self.kind}",
            "title": TITLES[self.kind],
            "status": self.status,
            "detail": self.detail,
            "instance": self.instance,
            "advice": self.advice,
            **self.more,
        }
        if self.in_protocol:
            value = {"error": f"{self.detail} {self.advice}".rstrip(), "problem": value}
        return json.dumps(value, ensure_ascii=True).encode("ascii")


def kind_of(error: type[BedsideError]) -> type[BedsideError]:
    """Return the nearest ancestor of `error` that the table `STATUS` names."""
    return next(ancestor for ancestor in error.__mro__ if ancestor in STATUS)


def problem_of(error: BedsideError, instance: str) -> Problem:
    """Return `error` as a problem detail about the path `instance`."""
    kind = kind_of(type(error))
    more: dict[str, Json] = {}
    headers: dict[str, str] = {}
    if isinstance(error, InputRefused):
        more["refusals"] = [
            {name: getattr(refusal, name) for name in refusal.__slots__}
            for refusal in error.refusals
        ]
    if kind is SignInRefused:
        headers["www-authenticate"] = 'Bearer realm="bedside"'
    if isinstance(error, TooOften):
        headers |= _quota_headers(error)
    if STATUS[kind] is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "1"
    return Problem(
        kind=_spoken(kind.__name__),
        status=STATUS[kind],
        detail=error.message,
        advice=error.advice,
        instance=instance,
        more=more,
        headers=headers,
    )


def respond(problem: Problem) -> Response:
    """Return the HTTP answer that says `problem`."""
    return Response(
        problem.body(),
        status_code=problem.status,
        media_type="application/json" if problem.in_protocol else MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def _quota_headers(error: TooOften) -> dict[str, str]:
    """Return when to come back, and of which quota that is (draft-ietf-httpapi-ratelimit-headers)."""
    wait = max(1, ceil(error.wait))
    headers = {"retry-after": str(wait)}
    if error.quota is not None:
        name, quota, window = error.quota
        headers["ratelimit-policy"] = f'"{name}";q={quota};w={window}'
        headers["ratelimit"] = f'"{name}";r=0;t={wait}'
    return headers


def _spoken(name: str) -> str:
    """Return a class name in lower case with hyphens: `InputRefused` → `input-refused`."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
