"""What is wrong with a spec, told as its author wrote it: place, value, and what was asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bedside.canonical import Json
from bedside.package.reading import said

MOST_TOLD = 8
MAX_VALUE = 60
"""Characters of an answer that a message repeats."""

Questions: TypeAlias = Mapping[tuple[int | str, ...], str]
"""The place of an answer, and what is asked there."""


def told(
    problem: ValidationError, answers: Json, questions: Questions, names: Collection[str]
) -> str:
    """Return what is wrong with `answers`, the first `MOST_TOLD` faults of it.

    Args:
        problem: What pydantic found.
        answers: The spec as JSON.
        questions: What is asked, by place.
        names: Every name that a spec may hold, to find a misspelt one.
    """
    errors = problem.errors(include_url=False, include_context=False)
    lines = []
    for error in errors[:MOST_TOLD]:
        place = _place(error["loc"], answers) or "the spec"
        if error["type"] == "missing":
            asked = questions.get(error["loc"], "")
            lines.append(f"{place} is missing{f' ({asked})' if asked else ''}")
        elif error["type"] == "extra_forbidden":
            near = get_close_matches(str(error["loc"][-1]), names, 1)
            lines.append(f"{place} is not known{f'; perhaps {near[0]!r} is meant' if near else ''}")
        else:
            lines.append(f"{place}{_value(error)}: {said(error['msg'])}")
    if len(errors) > MOST_TOLD:
        lines.append(f"and {len(errors) - MOST_TOLD} more")
    missing = any(error["type"] == "missing" for error in errors)
    return f"The spec {'is not complete' if missing else 'does not fit'}: {'; '.join(lines)}."


def _value(error: ErrorDetails) -> str:
    """Return the answer itself, where the message does not repeat it and it is short enough."""
    given = error["input"]
    if error["type"] == "value_error" or isinstance(given, dict | list):
        return ""
    return f" is {repr(given)[:MAX_VALUE]}"


def _place(location: tuple[int | str, ...], answers: Json) -> str:
    """Return a place such as `fields[0] ('age').minimum`, without the kinds that pydantic adds."""
    text, here = "", answers
    for step in location:
        if isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
            name = here.get("name") if isinstance(here, dict) else None
            text += f"[{step}]" + (f" ({name!r})" if isinstance(name, str) else "")
        elif isinstance(here, dict) and here.get("kind") != step:
            here = here.get(str(step))
            text += f"{'.' if text else ''}{step}"
    return text
