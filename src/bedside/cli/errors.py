"""What a refusal looks like on the command line: exit code, words on stderr, JSON on stdout."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ParamSpec

import typer

from bedside.canonical import Json
from bedside.cli.screen import complain, write_json
from bedside.errors import BedsideError, InputRefused, LedgerBroken, UsageError

P = ParamSpec("P")

REFUSED = 1
"""The command was understood and not done; stderr says why and what to do next."""

WRONG_USAGE = 2
"""The command makes no sense as written."""

EXIT_CODES: Mapping[type[BedsideError], int] = MappingProxyType(
    {UsageError: WRONG_USAGE, BedsideError: REFUSED}
)


def exit_code(problem: BedsideError) -> int:
    """Return the exit code of `problem`: that of its nearest kind in `EXIT_CODES`."""
    return next(EXIT_CODES[kind] for kind in type(problem).__mro__ if kind in EXIT_CODES)


def document(problem: BedsideError) -> dict[str, Json]:
    """Return `problem` as JSON: its kind, message, advice, and what its kind adds."""
    found: dict[str, Json] = {
        "kind": type(problem).__name__,
        "message": problem.message,
        "advice": problem.advice,
    }
    if isinstance(problem, InputRefused):
        found["refusals"] = [
            {name: getattr(refusal, name) for name in refusal.__slots__}
            for refusal in problem.refusals
        ]
    if isinstance(problem, LedgerBroken):
        found["index"] = problem.index
    return {"error": found}


def refusable(command: Callable[P, None]) -> Callable[P, None]:
    """Return `command` with refusals turned into words and an exit code; other errors pass through.

    A failure that nobody foresaw keeps its traceback: hiding it would hide a defect.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BedsideError as problem:
            if kwargs.get("as_json"):
                write_json(document(problem))
            raise refused(problem) from problem

    return run


def refused(problem: BedsideError) -> typer.Exit:
    """Say on stderr why the command was refused, and return the exit to raise."""
    complain(problem.message, problem.advice)
    return typer.Exit(exit_code(problem))
