"""What schemathesis is told of our API that JSON Schema has no words for; it loads this file itself."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import schemathesis

from bedside.api.idempotency import KEY

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out texts that JSON Schema cannot describe: unprintable subjects, controlled reasons."""
    del context
    for name, text in _texts(case.body):
        if name == "subject" and not text.isprintable():
            return False
        if name == "reason" and _CONTROL.search(text):
            return False
    return True


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: Any
) -> None:
    """Give every request a key of its own: a key that was used is refused for another request."""
    del context, kwargs
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return  # what is wrong about it stays as it is
    headers: Any = case.headers or {}
    if re.fullmatch(f'"{KEY}"|{KEY}', str(headers.get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = str(uuid.uuid4())


def _texts(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                yield str(name), inner
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
