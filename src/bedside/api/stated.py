"""Which problems each operation may answer with, stated one by one in the OpenAPI document.

Routes say `default`, which is true and tells nobody anything. Here it becomes the statuses that can
come about: a client can be written for them, and a test finds the one that nobody stated.

Source: OpenAPI 3.1.0, sections 4.8.16 (responses), 4.8.17 (response) and 4.8.21 (headers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from bedside.api.documented import ProblemDetails
from bedside.api.problems import MEDIA_TYPE
from bedside.api.schema import reference_to
from bedside.canonical import Json

WHERE: Final = "#/components/responses/{name}"

_ANY: Final = (400, 408, 414, 429, 431, 500, 503)
"""Of any request: it is not HTTP as we read it, it is too slow, too long, too often, or we cannot."""

_SIGNED_IN: Final = (401, 403)
_OF_SOMETHING: Final = (404,)
_WITH_BODY: Final = (409, 413, 415, 422)

_WORDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "The request makes no sense as it is",
        401: "No API key, or one that opens nothing; recorded",
        403: "Your roles do not allow this; recorded",
        404: "What the address names is not here",
        408: "The request did not come in time; the connection is closed",
        409: "It is already so, or no longer so",
        413: "The body is too large, too deep, or has too many inputs",
        414: "The address is too long; the connection is closed",
        415: "The body has a content type, an encoding or a charset that is not read here",
        422: "The gate refused the input; recorded, nothing was predicted",
        429: "Too often: the key, the person, or refused sign-ins from this address",
        431: "The head of the request is too long; the connection is closed",
        500: "An error that nobody foresaw",
        503: "Cannot answer now",
    }
)

_TEXT: Final = MappingProxyType({"type": "string"})
_HEADERS: Final[Mapping[int, Mapping[str, Json]]] = MappingProxyType(
    {
        401: {
            "WWW-Authenticate": {
                "description": "How to sign in (RFC 9110, section 11.6.1)",
                "required": True,
                "schema": dict(_TEXT),
            }
        },
        429: {
            "Retry-After": {
                "description": "Seconds to wait (RFC 9110, section 10.2.3)",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            },
            "RateLimit-Policy": {
                "description": "Which quota (draft-ietf-httpapi-ratelimit-headers)",
                "schema": dict(_TEXT),
            },
            "RateLimit": {
                "description": "What is left of it; also on other answers, when it is little",
                "schema": dict(_TEXT),
            },
        },
        503: {
            "Retry-After": {
                "description": "Seconds to wait",
                "schema": {"type": "integer", "minimum": 1},
            }
        },
    }
)


def state_problems(value: dict[str, Json]) -> None:
    """Replace each operation's `default` by the statuses that it may answer with.

    Args:
        value: The whole OpenAPI document; it is changed.
    """
    components: dict[str, Json] = value["components"].setdefault("responses", {})
    for path, operations in value["paths"].items():
        for operation in operations.values():
            responses: dict[str, Json] = operation["responses"]
            told = responses.pop("default")
            for status in _statuses(path, operation):
                if str(status) in responses:
                    _also(responses[str(status)], told)
                else:
                    name = _name(told, status)
                    components.setdefault(name, _response(told, status))
                    responses[str(status)] = {"$ref": WHERE.format(name=name)}
            operation["responses"] = dict(sorted(responses.items()))


def _statuses(path: str, operation: Mapping[str, Json]) -> Iterator[int]:
    yield from _ANY
    if operation.get("security") != []:
        yield from _SIGNED_IN
    if "{" in path or "requestBody" in operation:
        yield from _OF_SOMETHING
    if "requestBody" in operation:
        yield from _WITH_BODY
    elif "409" in operation["responses"]:  # a route without a body says so itself
        yield 409


def _response(told: Mapping[str, Json], status: int) -> dict[str, Json]:
    found: dict[str, Json] = {"description": _WORDS[status], "content": dict(_content(told))}
    if status in _HEADERS:
        found["headers"] = dict(_HEADERS[status])
    return found


def _also(response: dict[str, Json], told: Mapping[str, Json]) -> None:
    """Add the problem to an answer that a route states itself, such as 503 with its own words."""
    response["content"] = _content(told) | response.get("content", {})


def _content(told: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a problem looks like; a protocol that has a form of its own has both.

    FastAPI says application/json of every model. What is refused before it is known what is asked
    for comes as problem details in any case.
    """
    problem = reference_to(ProblemDetails)
    found: dict[str, Json] = {MEDIA_TYPE: {"schema": problem}}
    if _schema(told) != problem:
        found["application/json"] = {"schema": _schema(told)}
    return found


def _name(told: Mapping[str, Json], status: int) -> str:
    form: str = _schema(told)["$ref"].rpartition("/")[2]
    return form + HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _schema(told: Mapping[str, Json]) -> dict[str, Json]:
    schema: dict[str, Json] = next(iter(told["content"].values()))["schema"]
    return schema
