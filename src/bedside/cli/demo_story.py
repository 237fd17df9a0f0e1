"""The demonstration told as it happens: numbered steps with their times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bedside.canonical import Json
from bedside.cli.screen import Page, progress


class Story:
    """Tells the steps on a page; silent where one JSON document at the end is asked for.

    What a step has to say is shown when it is over: while it lasts, a terminal shows its progress.

    Attributes:
        facts: What the JSON document will hold.
    """

    def __init__(self, page: Page | None) -> None:
        """Tell on `page`, or nowhere."""
        self.facts: dict[str, Json] = {}
        self._page = page
        self._waiting: list[Callable[[Page], None]] = []
        self._steps = 0
        self._begun = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Do one numbered step; what it has to say comes after it, then the time that it took."""
        self._steps += 1
        begun = time.monotonic()
        if self._page is not None:
            self._page.heading(f"{self._steps}. {what}")
        try:
            with progress(what):
                yield
        finally:
            self._show()
        if self._page is not None:
            self._page.line(f"   {time.monotonic() - begun:.1f} s", style="dim")

    def line(self, text: str) -> None:
        """Say one thing about the present step."""
        self.tell(lambda page: page.line(f"   {text}"))

    def tell(self, text: Callable[[Page], None]) -> None:
        """Say something longer about the present step, such as a table."""
        self._waiting.append(text)

    def end(self, text: Callable[[Page], None]) -> None:
        """Say something that belongs to no step."""
        self._waiting.append(text)
        self._show()

    def seconds(self) -> float:
        """Return how long the whole story has taken."""
        return time.monotonic() - self._begun

    def _show(self) -> None:
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            if self._page is not None:
                text(self._page)
