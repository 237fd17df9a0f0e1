"""How far a long analysis has come, told to whoever waits for it, who may end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["gate", "prepare", "infer", "restore", "refine", "measure"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an analysis stands.

    Attributes:
        stage: What is being done: `gate`; `prepare` the network's input; `infer`; `restore` the
            probabilities to the volume's own grid; `refine` the labels; `measure`.
        done: Parts of the stage that are done.
        total: Its parts; at least 1. Told again with the same `done`, it is still at work.
    """

    stage: Stage
    done: int
    total: int


Report: TypeAlias = Callable[[Progress], None]
"""Takes note and returns, or raises what ends the analysis; asked at least every second."""


def silent(progress: Progress) -> None:
    """Take no note."""
