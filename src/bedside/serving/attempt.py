"""One request on its way: what is asked, and what was computed before anything is recorded."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bedside.errors import Conflict, InputRefused
from bedside.keys.subjects import SubjectKey
from bedside.ledger.claims import Claim
from bedside.ledger.events import Draft, Prepared
from bedside.people.person import Caller
from bedside.runtime.postprocess import Answer
from bedside.serving.computing import GivenUp
from bedside.serving.released import Loaded
from bedside.serving.values import Row

INLINE_ROWS: Final = 16
"""Up to so many rows are computed on the event loop: a thread would take longer than they do."""

INLINE_SECONDS: Final = 0.01
"""Networks are computed on the event loop where that takes it no longer, by the golden replay's measure."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms an answer is wanted.

    Attributes:
        version: The only version that may answer; None for whichever is released.
        claim: Taken by the record of an answer, which is refused where it is taken.
    """

    version: str | None = None
    claim: Claim | None = None

    def check(self, loaded: Loaded) -> None:
        """Return where `loaded` may answer.

        Raises:
            Conflict: another version was asked for.
        """
        answering = loaded.release.version
        if self.version is not None and self.version != answering:
            raise Conflict(
                f"{loaded.release.model} answers with version {answering}, not {self.version[:60]!r}.",
                advice=f"Ask for {answering}, once you know that what you send fits it, or for no "
                "version in particular.",
            )


ANY: Final = Terms()
"""No terms: whatever is released answers."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is to be computed: for whom, by what, since when (nanoseconds of the performance counter).

    `given_up` is set once nobody waits for it any more; nothing is recorded then. `keys` are fresh ones,
    one for each row, where they were at hand: then nothing of the work waits for the disk.
    """

    caller: Caller
    loaded: Loaded
    rows: Sequence[Row]
    begun: int
    explain: bool
    terms: Terms = ANY
    keys: Sequence[SubjectKey] = ()
    given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def small(self) -> bool:
        """Whether a few rows of nobody named are asked for, and nothing is to be explained."""
        few = not self.explain and len(self.rows) <= INLINE_ROWS
        return few and all(row.subject is None for row in self.rows)

    @property
    def quick(self) -> bool:
        """Whether an event loop may wait for the network."""
        seconds = len(self.rows) * self.loaded.runner.row_seconds
        return not self.loaded.pictures and seconds <= INLINE_SECONDS

    def going_on(self) -> None:
        """Return as long as somebody waits for the answer.

        Raises:
            GivenUp: nobody does.
        """
        if self.given_up.is_set():
            raise GivenUp


@dataclass(frozen=True, slots=True)
class Attempt:
    """One computation, ready to be recorded.

    Attributes:
        loaded: What computed it.
        ids: Id of each prediction.
        answers: One for each row; empty when the gate refused.
        drafts: What the ledger shall hold before anybody hears the answer.
        refused: The gate's refusal, to be raised once it is recorded.
    """

    loaded: Loaded
    ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    drafts: tuple[Draft | Prepared, ...]
    refused: InputRefused | None = None
