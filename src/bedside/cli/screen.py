"""What a person sees: text, tables and progress; or one JSON document and nothing else.

Words out of packages, exports and databases were written by others. Every one passes through
`plain`, so that none of them can move the cursor, change colours or forge a ✓.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from bedside.canonical import Json

PIPE_WIDTH = 200
"""Columns for tables when the output is no terminal: nothing is cut for a reader that is a file."""


def plain(text: str) -> str:
    r"""Return `text` with control characters written out, such as `\x1b`; line ends stay."""
    return "".join(
        letter
        if letter.isprintable() or letter == "\n"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def on_one_line(text: str) -> str:
    """Return `text`, such as the name of a file, with all that could begin another line written out."""
    return plain(text).replace("\n", "\\n")


def write_json(value: Json) -> None:
    """Write `value` on stdout as one JSON document."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only, allow_nan=False)
    sys.stdout.write(text + "\n")


def complain(message: str, advice: str = "") -> None:
    """Write a refusal on stderr: what is wrong, then what to do next."""
    sys.stderr.write(f"Refused: {plain(message)}\n")
    if advice:
        sys.stderr.write(f"Next:    {plain(advice)}\n")


class Page:
    """Text for a person on stdout; colours only on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(
            file=sys.stdout,
            highlight=False,
            markup=False,
            emoji=False,
            width=None if sys.stdout.isatty() else PIPE_WIDTH,
        )

    def line(self, text: str = "", *, style: str = "") -> None:
        """Write one line; the terminal wraps it, so that copying it gives it back whole."""
        self._console.print(plain(text), style=style or None, soft_wrap=True)
        self._console.file.flush()

    def heading(self, text: str) -> None:
        """Write a heading with an empty line above it."""
        self.line()
        self.line(text, style="bold")

    def check(self, passed: bool, text: str) -> None:
        """Write one check as a line with ✓ or ✗."""
        self.line(f"{'✓' if passed else '✗'} {text}", style="green" if passed else "red")

    def pairs(self, rows: Sequence[tuple[str, str]], *, indent: int = 0) -> None:
        """Write names and values in two columns; rows without a value are left out."""
        width = max((len(name) for name, value in rows if value), default=0)
        for name, value in rows:
            if value:
                self.line(" " * indent + f"{name:<{width}}  {value}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; long cells wrap and nothing is cut."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        grid = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            grid.add_column(column, overflow="fold")
        for row in rows:
            grid.add_row(*(Text(plain(cell)) for cell in row))
        self._console.print(grid)
        self._console.file.flush()


def show(value: Json, text: Callable[[Page], None], *, as_json: bool) -> None:
    """Write `value` as JSON, or let `text` tell the same to a person."""
    if as_json:
        write_json(value)
    else:
        text(Page())


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show on stderr that `what` goes on, with its time; only on a terminal."""
    with steps(what):
        yield


@contextmanager
def steps(what: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr that `what` goes on, with its time, and the step that it is told of."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr, markup=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(plain(what), total=None)
        yield lambda step: bar.update(task, description=plain(f"{what}: {step}"))


def probability(value: float) -> str:
    """Return a probability with four decimals; one that is neither 0 nor 1 is never shown as such."""
    if 0 < value < 0.0001:
        return "< 0.0001"
    return "> 0.9999" if 0.9999 < value < 1 else f"{value:.4f}"


def program() -> str:
    """Return how this program is called from here: `bedside`, or its path where PATH has none."""
    called = Path(sys.argv[0])
    if shutil.which("bedside") is not None or called.name != "bedside":
        return "bedside"
    here = Path.cwd()
    return quote(str(called.relative_to(here) if called.is_relative_to(here) else called))
