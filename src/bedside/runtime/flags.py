"""What a reader must know about an answer that was given all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FlagCode: TypeAlias = Literal[
    "modality-unstated",
    "body-part-unstated",
    "view-unstated",
    "unlike-the-domain",
    "polarity-overruled",
    "window-not-applied",
    "reading-note",
    "orientation-unstated",
    "mask-empty",
    "mask-touches-edge",
    "implausible-volume",
    "implausible-value",
    "low-predicted-overlap",
]


@dataclass(frozen=True, slots=True)
class Flag:
    """One reservation about one answer.

    Attributes:
        code: A stable word.
        detail: What was found, with its numbers, in English; nothing that tells who it is about.
    """

    code: FlagCode
    detail: str
