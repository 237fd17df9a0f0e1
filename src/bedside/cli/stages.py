"""How far long work is, on stderr and only on a terminal: a bar for the whole, a line for each part."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from bedside.cli.screen import on_one_line

if TYPE_CHECKING:
    from rich.progress import Progress


class Bars(Protocol):
    """What long work tells."""

    def whole(self, what: str, done: int, total: int) -> None:
        """Say how far all of it is; a total of 0 is one that nobody knows."""

    def part(self, name: str, stage: str, done: int, total: int) -> None:
        """Say how far one of its parts is."""

    def over(self, name: str) -> None:
        """Show a part no more."""


class _Nothing:
    """Nobody looks."""

    def whole(self, what: str, done: int, total: int) -> None: ...

    def part(self, name: str, stage: str, done: int, total: int) -> None: ...

    def over(self, name: str) -> None: ...


class _OnTerminal:
    """Bars by rich."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._whole: Any = None
        self._parts: dict[str, Any] = {}

    def whole(self, what: str, done: int, total: int) -> None:
        if self._whole is None:
            self._whole = self._progress.add_task("", total=None)
        self._progress.update(
            self._whole, description=on_one_line(what), completed=done, total=total or None
        )

    def part(self, name: str, stage: str, done: int, total: int) -> None:
        if name not in self._parts:
            self._parts[name] = self._progress.add_task("", total=None)
        said = on_one_line(f"  {name}: {stage}" if name else stage)
        self._progress.update(
            self._parts[name], description=said, completed=done, total=total or None
        )

    def over(self, name: str) -> None:
        if name in self._parts:
            self._progress.remove_task(self._parts.pop(name))


@contextmanager
def bars() -> Iterator[Bars]:
    """Give what shows how far the work is, until it ends."""
    if not sys.stderr.isatty():
        yield _Nothing()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(file=sys.stderr, markup=False)
    with Progress(*columns, console=console, transient=True) as shown:
        yield _OnTerminal(shown)
