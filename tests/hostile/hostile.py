"""One hostile file: what it is called, who reads it, what it is made of, how it must be refused."""

from __future__ import annotations

from dataclasses import dataclass

CANARY = "canary-was-here"
"""The file that a pickle of the corpus would make in the working folder, if it were run."""


@dataclass(frozen=True)
class Hostile:
    """A file of the corpus.

    Attributes:
        name: The file's name; says what is wrong with it.
        reader: Who must refuse it: a key of `judge.READERS`.
        data: Its bytes.
        says: Words that the refusal must hold. None: a control, which must be accepted.
    """

    name: str
    reader: str
    data: bytes
    says: str | None
