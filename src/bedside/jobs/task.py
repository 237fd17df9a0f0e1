"""Many pieces of work of one kind, and what is heard of each: the same for a pool and a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from bedside.canonical import Json
from bedside.errors import BedsideError
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.frames import Frame, Garbled, read_made, read_words, spell, spell_file, spell_json

MOST_ATTEMPTS: Final = 2
"""A process that ends without a word may have been ended for another's sake: once more, alone."""


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work.

    Attributes:
        name: What it is called; no two of one run are alike.
        asked: What the child is told in words.
        files: Its files, name and bytes, read when it is begun.
    """

    name: str
    asked: dict[str, Json]
    files: Callable[[], Iterable[tuple[str, bytes]]]

    def frames(self, common: Iterable[bytes]) -> Iterator[bytes]:
        """Yield all that a child is told; `common` are the frames of files that all tasks share."""
        yield spell_json(Frame.WORDS, self.asked)
        yield from common
        for name, data in self.files():
            yield from spell_file({"name": name}, data)
        yield spell(Frame.LAST)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a task is."""

    name: str
    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a task.

    Attributes:
        name: Of the task.
        said: The child's last words; with `problem`, `message` and `advice` where nothing came.
        files: What it made, by name.
    """

    name: str
    said: dict[str, Json]
    files: dict[str, bytes]


Heard: TypeAlias = Step | Finished


class Workers(Protocol):
    """Does tasks, several at once."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Heard]:
        """Yield what is heard, one `Finished` for each task, in any order; closing it ends all."""
        ...


def hear(child: Child, name: str, step: Callable[[Step], None]) -> Finished:
    """Return what a child says of the task that it was told.

    Args:
        child: It was told all frames of the task.
        name: Of the task.
        step: Told of each stage, and with an empty stage while nothing is said; it may raise.

    Raises:
        ChildEnded: it ended.
        Garbled: it says what is no frame.
    """
    files: dict[str, bytes] = {}
    now, data = "", bytearray()
    for frame in child.hear():
        if frame is None:
            step(Step(name, "", 0, 0))
            continue
        kind, payload = frame
        if kind is Frame.STAGE:
            told = read_words(payload)
            step(Step(name, str(told["stage"]), int(told["done"]), int(told["total"])))
        elif kind is Frame.FILE:
            (now, _), data = read_made(payload), bytearray()
        elif kind is Frame.PIECE:
            data += payload
        elif kind is Frame.END:
            files[now] = bytes(data)
        elif kind is Frame.WORDS:
            return Finished(name, read_words(payload), files)
        else:
            break
    raise Garbled("A child says what it may not.")


def ended(name: str, problem: ChildEnded | Garbled) -> Finished:
    """Return what is told of a task whose process ended."""
    said: dict[str, Json] = {
        "problem": "ended",
        "message": problem.message,
        "advice": "It may have been too large for this machine; let fewer run at once.",
    }
    return Finished(name, said, {})


def unread(name: str, problem: BedsideError | OSError) -> Finished:
    """Return what is told of a task whose files cannot be read."""
    if isinstance(problem, BedsideError):
        message, advice = problem.message, problem.advice
    else:
        message = f"A file cannot be read: {problem.strerror}."
        advice = "Look at its rights, and at the disk."
    said: dict[str, Json] = {
        "problem": type(problem).__name__,
        "message": message,
        "advice": advice,
    }
    return Finished(name, said, {})
