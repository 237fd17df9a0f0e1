"""What a draft still leaves open: every placeholder, told at once with its question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.freezing.draft.asked import Place, question

MARK: Final = "?"
"""What a draft writes where only the author knows the answer."""

MARKS: Final = frozenset({MARK, "\uff1f", "todo", "tbd"})
"""What is read as no answer: the draft's mark, and what people write in its place."""

DRAFT: Final = "draft"
"""The line of a draft that its author removes when all proposals are read."""


def refuse_unanswered(answers: Mapping[str, Json]) -> None:
    """Refuse a spec that is a draft still: a question is open, or the proposals are not confirmed.

    Args:
        answers: The spec as TOML gives it.

    Raises:
        UsageError: names every open place with its question, and says how to confirm proposals.
    """
    places = list(_open_places(answers, ()))
    if places:
        count = f"{len(places)} answer{'s are' if len(places) > 1 else ' is'}"
        raise UsageError(
            f"The spec is a draft: {count} missing.\n  " + "\n  ".join(_told(places, answers)),
            advice=f"Replace each {MARK!r} by the answer"
            + (f", then remove the line `{DRAFT} = …`." if DRAFT in answers else "."),
        )
    if DRAFT in answers:
        raise UsageError(
            "The spec is a draft: every question is answered, and nobody has confirmed what was "
            "proposed from the data and the model.",
            advice="Read the lines marked # PROPOSED, correct what is wrong, and remove the line "
            f"`{DRAFT} = {str(answers[DRAFT]).lower()}`.",
        )


def _open_places(value: Json, place: Place) -> Iterator[Place]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _open_places(inner, (*place, name))
        case list() | tuple():
            for position, inner in enumerate(value):
                yield from _open_places(inner, (*place, position))
        case str() if _is_open(value) and not _may_be_meant(place):
            yield place


def _may_be_meant(place: Place) -> bool:
    """Return whether a question mark is the author's own: a code of the data, or a parameter."""
    if isinstance(place[-1], int):
        return place[0] == "native_classes" or "categories" in place
    return place[:2] == ("origin", "parameters")


def _told(places: list[Place], answers: Json) -> list[str]:
    """Return a line for each question, with every place where it is open."""
    lines: dict[str, list[str]] = {}
    for place in places:
        lines.setdefault(question(place), []).append(_written(place, answers))
    return [f"{', '.join(where)}{f': {asked}' if asked else ''}" for asked, where in lines.items()]


def _written(place: Place, answers: Json) -> str:
    """Return a place such as `fields[0] ('age').unit`."""
    told, here = "", answers
    for step in place:
        here = here[step]
        told += f"[{step}]" if isinstance(step, int) else f"{'.' if told else ''}{step}"
        name = here.get("name") if isinstance(here, dict) else None
        if isinstance(step, int) and isinstance(name, str) and not _is_open(name):
            told += f" ({name!r})"
    return told


def _is_open(answer: str) -> bool:
    return answer.strip().casefold() in MARKS
