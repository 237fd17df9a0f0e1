"""What is not of the model: who signs the package, when, and who hears of each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bedside.keys.signing import SigningKey

Tell: TypeAlias = Callable[[str], None]
"""Gets a few words about the step that begins."""


def unheard(step: str) -> None:
    """Say nothing about a step."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is not of the model: who signs, and at what time.

    Attributes:
        signer: The signing key, or None.
        frozen_at: The time to record; None takes SOURCE_DATE_EPOCH or the clock.
        tell: Hears of each step that begins.
    """

    signer: SigningKey | None = None
    frozen_at: datetime | None = None
    tell: Tell = unheard
