"""Where in the author's own code something happened: file, line, function and text."""

from __future__ import annotations

import re
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch

import bedside

_FRAME = re.compile(
    r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>[^\n]+)\n *(?P<text>[^\n]*)'
)
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the author's code; only the file's name is kept, never its folder.

    Attributes:
        file: Name of the file.
        line: Line number, from 1.
        function: The function or method that the line is in.
        text: The line itself, without its indentation.
    """

    file: str
    line: int
    function: str
    text: str

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= _LONGEST else self.text[:_LONGEST] + "…"
        return f"{self.file}, line {self.line}, in {self.function}" + (
            f": {shown}" if shown else ""
        )


def place_of(problem: BaseException) -> Place | None:
    """Return the author's line that raised `problem`: the last one that is no library's.

    None where only libraries are on the way, or the error is one of a file's grammar and says
    so itself.
    """
    if isinstance(problem, SyntaxError) and problem.filename:
        text = (problem.text or "").strip()
        return Place(Path(problem.filename).name, problem.lineno or 0, "the file", text)
    frames = traceback.extract_tb(problem.__traceback__)
    own = [one for one in frames if _is_authors(one.filename)]
    if not own:
        return None
    last = own[-1]
    function = "the file" if last.name == "<module>" else last.name
    return Place(Path(last.filename).name, last.lineno or 0, function, (last.line or "").strip())


def place_in(stack: str | None) -> Place | None:
    """Return the author's innermost line in a stack trace that PyTorch wrote as text."""
    found = [one for one in _FRAME.finditer(stack or "") if _is_authors(one["file"])]
    if not found:
        return None
    last = found[-1]
    return Place(Path(last["file"]).name, int(last["line"]), last["function"], last["text"].strip())


def first_line(problem: BaseException, longest: int = 300) -> str:
    """Return what an error says, in one line, without the folders of this machine."""
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    text = re.sub(r"(/[^\s/'\"]+)+/", "", lines[0]).rstrip(". ")
    return text if len(text) <= longest else text[:longest] + "…"


def _is_authors(file: str) -> bool:
    if file.startswith("<frozen"):
        return False
    libraries = {
        sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    homes = [*libraries, str(Path(torch.__file__).parent), str(Path(bedside.__file__).parent)]
    return not any(Path(file).is_relative_to(home) for home in homes) and file != "<string>"
