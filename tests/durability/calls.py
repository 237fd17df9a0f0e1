"""A trace of system calls (`strace -f -yy`), and the judgement whether an answer left too early.

strace writes a line when a call returns, or one when it begins (`<unfinished ...>`) and one when it
returns (`<... resumed>`). The order of these lines is an order of what happened: a thread that waits
for another's call cannot go on before strace has written that the call returned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

TRACED = (
    "read,recvfrom,recvmsg,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fdatasync,fsync"
)
"""What a trace must hold to be judged."""

STRACE = ("strace", "-f", "-yy", "-s", "9000", "-e", f"trace={TRACED}", "-e", "signal=none")
"""Long enough for a whole page of the database, each byte of which may be written as four."""

_READS = frozenset({"read", "recvfrom", "recvmsg"})
_WRITES = frozenset({"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg"})
_SYNCS = frozenset({"fdatasync", "fsync"})

_WHOLE = re.compile(r"^(\d+) +(\w+)\((\d+)<(.*?)>[,)](.*)= (-?\d+)[^=]*$", re.S)
_BEGUN = re.compile(r"^(\d+) +(\w+)\((\d+)<(.*?)>([,) ].*)<unfinished \.\.\.>$", re.S)
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)= (-?\d+)[^=]*$", re.S)


@dataclass(frozen=True)
class Call:
    """One system call on a file or a socket.

    `begun` and `ended` are places in the trace; `ended` is past the end of it where the call did
    not return.
    """

    name: str
    target: str
    text: str
    begun: int
    ended: int
    result: int


class AnsweredTooEarly(AssertionError):
    """An answer left before what it promises was on the disk."""


def read_trace(lines: Sequence[str]) -> list[Call]:
    """Return the calls of a trace that are about a file or a socket, in the order of their begin."""
    calls: dict[int, Call] = {}
    under_way: dict[str, int] = {}
    never = len(lines)
    for place, line in enumerate(lines):
        if whole := _WHOLE.match(line):
            _, name, _, target, text, result = whole.groups()
            calls[place] = Call(name, _target(target), text, place, place, int(result))
        elif begun := _BEGUN.match(line):
            thread, name, _, target, text = begun.groups()
            calls[place] = Call(name, _target(target), text, place, never, -1)
            under_way[thread] = place
        elif resumed := _RESUMED.match(line):
            thread, name, text, result = resumed.groups()
            start = under_way.pop(thread, None)
            if start is not None and calls[start].name == name:
                known = calls[start]
                calls[start] = replace(
                    known, text=known.text + text, ended=place, result=int(result)
                )
    return [calls[place] for place in sorted(calls)]


def judge(calls: Sequence[Call], answer: str, on_disk: str, log: str) -> None:
    """Do nothing when an answer left after what it promises was on the disk.

    Args:
        calls: The trace.
        answer: Text of the answer that no other answer has.
        on_disk: Text of what was recorded that nothing else has.
        log: How the name of the file ends that must hold it, such as `bedside.db-wal`.

    Raises:
        AnsweredTooEarly: it was not written, not synced, or synced only later.
    """
    left = _left(calls, answer)
    written = [
        call
        for call in calls
        if call.name in _WRITES and call.target.endswith(log) and on_disk in call.text
    ]
    if not written:
        raise AnsweredTooEarly(f"{on_disk} was never written to {log}.")
    held = [call for call in written if call.result >= 0]
    synced = [
        sync
        for sync in calls
        if sync.name in _SYNCS
        and sync.target.endswith(log)
        and sync.result == 0
        and any(one.ended < sync.begun for one in held)
    ]
    if not synced:
        raise AnsweredTooEarly(f"{on_disk} was written to {log} and never synced.")
    if synced[0].ended >= left:
        raise AnsweredTooEarly(
            f"The answer with {answer} left at line {left}; {log} was synced at {synced[0].ended}."
        )


def _left(calls: Sequence[Call], answer: str) -> int:
    """Return the place at which the first byte of an answer left, its head included."""
    told = [one for one in calls if one.name in _WRITES and _is_socket(one) and answer in one.text]
    if not told:
        raise AssertionError(f"No answer with {answer} is in the trace.")
    socket = told[0].target
    asked = [
        one.begun
        for one in calls
        if one.name in _READS and one.target == socket and one.ended < told[0].begun
    ]
    since = max(asked, default=-1)
    return next(
        one.begun
        for one in calls
        if one.name in _WRITES and one.target == socket and one.begun > since
    )


def _is_socket(call: Call) -> bool:
    return call.target.startswith(("TCP", "socket", "UNIX"))


def _target(text: str) -> str:
    return text.removesuffix(">") if text.endswith("]>") else text
