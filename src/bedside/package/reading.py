"""Reads a frozen value from canonical JSON: one spelling in, or a refusal that names the fault."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from bedside.canonical import canonical_bytes, read_json
from bedside.errors import LimitExceeded, PackageDamaged, UsageError
from bedside.package.fields import Frozen

Value = TypeVar("Value", bound=Frozen)


def read_canonical(kind: type[Value], data: bytes, what: str) -> Value:
    """Return the `kind` that `data` spells in canonical JSON (RFC 8785), every value written out.

    Raises:
        PackageDamaged: not JSON, not a `kind`, or spelt in another way; `what` begins the message.
    """
    try:
        read_json(data)  # refuses what pydantic's parser lets pass: repeated names, NaN, depth
        value = kind.model_validate_json(data)
        spelling = canonical_bytes(value.model_dump(mode="json"))
    except (UsageError, LimitExceeded) as problem:
        raise PackageDamaged(f"{what} cannot be read: {problem.message}") from problem
    except ValidationError as problem:
        raise PackageDamaged(f"{what} is not valid: {faults(problem)}.") from problem
    if spelling != data:
        raise PackageDamaged(
            f"{what} is not written in canonical JSON (RFC 8785) with every value present."
        )
    return value


def faults(problem: ValidationError, most: int = 5) -> str:
    """Return where and why validation failed, shortened to the first `most` places."""
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{place(e['loc'])}: {said(e['msg'])}"[:300] for e in errors[:most]]
    if len(errors) > most:
        lines.append(f"and {len(errors) - most} more")
    return "; ".join(lines)


def said(message: str) -> str:
    """Return a validator's own words, without the label that pydantic puts before them."""
    return message.removeprefix("Value error, ")


def place(location: tuple[int | str, ...]) -> str:
    """Return a place in a value as dotted text, `.` for the whole."""
    return ".".join(str(step)[:80] for step in location) or "."
