"""A spec as a TOML file: read within limits, and held against the answers that it must give."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from bedside.canonical import Json, canonical_bytes
from bedside.clock import timestamp
from bedside.errors import LimitExceeded, NotFound, UsageError
from bedside.freezing.draft.unanswered import refuse_unanswered
from bedside.freezing.questions import Questions, told
from bedside.freezing.strangers.toml import read_toml
from bedside.package.fields import Frozen

MAX_SPEC_BYTES: Final = 2 * 2**20
"""As large as the manifest that a spec turns into may be."""

_Spec = TypeVar("_Spec", bound=Frozen)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a refusal needs to advise.

    Attributes:
        questions: What is asked at each place of the spec.
        names: Every name that the spec may hold, at any depth.
        page: Where a spec with every answer stands.
    """

    questions: Questions
    names: Collection[str]
    page: str


def fitted(model: type[_Spec], answers: dict[str, Json], asked: Asked) -> _Spec:
    """Return the spec that `answers` make up; lists, texts, numbers and times as in TOML.

    Raises:
        UsageError: an answer is missing or does not fit; names each, and says what is asked.
    """
    refuse_unanswered(answers)
    plain = plain_answers(answers)
    try:
        return model.model_validate_json(canonical_bytes(plain))
    except ValidationError as problem:
        raise UsageError(
            told(problem, plain, asked.questions, asked.names),
            advice=f"{asked.page} has a spec with every answer.",
        ) from problem


def answers_in(path: Path) -> dict[str, Json]:
    """Return the answers of a TOML file.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MAX_SPEC_BYTES`, or nested too deep.
        UsageError: not TOML.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no spec at {str(path)!r}.", advice="Give the path of a TOML file."
        )
    if path.stat().st_size > MAX_SPEC_BYTES:
        raise LimitExceeded(f"The spec {path.name} is larger than {MAX_SPEC_BYTES} bytes.")
    return read_toml(path.read_bytes(), path.name)


def plain_answers(value: Json, place: str = "") -> Json:
    """Return answers of a TOML file as JSON: times as text, everything else as it is.

    Raises:
        UsageError: names the place of a value that a spec cannot hold.
    """
    match value:
        case dict():
            dot = "." if place else ""
            return {str(k): plain_answers(inner, f"{place}{dot}{k}") for k, inner in value.items()}
        case list() | tuple():
            return [plain_answers(inner, f"{place}[{i}]") for i, inner in enumerate(value)]
        case datetime():
            if value.tzinfo is None:
                raise UsageError(
                    f"{place}: the time {value.isoformat()} has no zone.",
                    advice="Add Z or an offset like +09:00.",
                )
            return timestamp(value)
        case date() | time():
            missing = "time" if isinstance(value, date) else "date"
            raise UsageError(
                f"{place}: {value} has no {missing}.",
                advice="Write it like 2026-11-21T08:00:00Z.",
            )
        case float() if not math.isfinite(value):
            raise UsageError(f"{place} is {value}.", advice="Give a finite number.")
        case None | str() | bool() | int() | float():
            return value
    raise UsageError(
        f"{place or 'The spec'} is a {type(value).__name__}.",
        advice="Give text, a number, true or false, a list or a table.",
    )
