"""The demonstration told as it happens: numbered steps with their times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from bedside.canonical import Json
from bedside.cli.screen import Page, progress


class Story:
    """Tells the steps on a page; silent where one JSON document at the end is asked for.

    Attributes:
        facts: What the JSON document will hold.
    """

    def __init__(self, page: Page | None) -> None:
        """Tell on `page`, or nowhere."""
        self.facts: dict[str, Json] = {}
        self.page = page
        self._steps = 0
        self._begun = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Do one numbered step; its heading comes with the time that it took."""
        self._steps += 1
        begun = time.monotonic()
        if self.page is not None:
            self.page.heading(f"{self._steps}. {what}")
        with progress(what):
            yield
        if self.page is not None:
            self.page.line(f"   {time.monotonic() - begun:.1f} s", style="dim")

    def line(self, text: str) -> None:
        """Say one thing about the present step."""
        if self.page is not None:
            self.page.line(f"   {text}")

    def seconds(self) -> float:
        """Return how long the whole story has taken."""
        return time.monotonic() - self._begun
