"""The header `Idempotency-Key`: a request that is sent again under it gets the answer it got.

Source: draft-ietf-httpapi-idempotency-key-header-07, section 2; Stripe's and others' use of the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.requests import Request

from bedside.canonical import Json
from bedside.errors import UsageError

HEADER: Final = "idempotency-key"

REPEATED: Final[Mapping[str, str]] = MappingProxyType({"idempotent-replayed": "true"})
"""The header of an answer that was given before."""

KEY: Final = r"[A-Za-z0-9._:~+/=@-]{1,128}"
"""Every UUID, ULID and base64; nothing that a list of headers or a log could be read wrongly by."""

PARAMETER: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "A request that is sent again under the same key gets the answer that the "
        "first one got, with `Idempotent-Replayed: true`, and nothing is recorded again. Another "
        "request under it gets 422.",
        "schema": {"type": "string", "pattern": f'^("{KEY}"|{KEY})$'},
    }
)
"""The header, for the OpenAPI document."""

_KEY: Final = re.compile(f'"({KEY})"|({KEY})')


def idempotency_key(request: Request) -> str | None:
    """Return the key of a request, without the quotes in which it may stand; None without one.

    Raises:
        UsageError: two keys, or one that cannot be.
    """
    sent = request.headers.getlist(HEADER)
    if not sent:
        return None
    found = _KEY.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if found is None:
        raise UsageError(
            f"The header Idempotency-Key is {', '.join(sent)[:60]!r}.",
            advice="Send one key of 1 to 128 letters, digits and . _ : ~ + / = @ -, new for every "
            "request and the same for its repeats: a UUID, for example.",
        )
    return found[1] or found[2]
