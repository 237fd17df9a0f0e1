"""How many connections one process holds: all together, from one address, and such as do not read.

When one too many comes, the connection that has waited longest without a request gives way, those
first of an address that has more than its share, and of these the ones that never asked anything. So whoever
opens connections and does nothing with them keeps nobody out. One on which a request is being
answered never gives way; where all are, the new one is told 503.

The number stays below what the operating system lets the process open: at that limit `accept` fails,
and the ledger's files and the database would be next.
"""

from __future__ import annotations

import logging
import resource
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Final, Protocol

from bedside.api.journal import STATE, tell
from bedside.people.lockout import group_of

FILES_KEPT: Final = 128
"""Files and sockets of the process that are no client's: databases, logs, packages, threads' pipes."""

STUCK_AT_ONCE: Final = 64
"""Connections that hold an answer which their client does not take. Each holds up to one whole
answer in memory, so this bounds it; where there are more, the one stuck longest is cut off."""

_TELL_SECONDS: Final = 10.0
"""How often the log says that connections gave way or were turned away."""


class Connection(Protocol):
    """What is asked of one connection. `peer` is its client's address, `since` when it began to wait."""

    peer: str
    since: float

    @property
    def waiting(self) -> bool:
        """Whether no request is being answered on it."""

    @property
    def fresh(self) -> bool:
        """Whether no request has come over it at all."""

    def let_go(self) -> None:
        """Close it."""

    def cut_off(self) -> None:
        """Close it, whatever is still to be sent."""


class Connections:
    """The open connections of one process; used on its event loop alone.

    Attributes:
        gave_way: How many were closed to make room.
        turned_away: How many found no room.
        stuck_cut_off: How many were cut off because too many clients did not take their answers.
    """

    def __init__(self, most: int, most_of_one: int, trusts: Callable[[str], bool]) -> None:
        """Begin with none.

        Args:
            most: At once.
            most_of_one: At once from one address.
            trusts: Whether an address is a trusted proxy's, which may have all connections.
        """
        self._most = most
        self._most_of_one = most_of_one
        self._trusts = trusts
        self._open: dict[Connection, str] = {}
        self._of: Counter[str] = Counter()
        self._next: dict[str, deque[tuple[Connection, float]]] = {}
        self._stuck: OrderedDict[Connection, None] = OrderedDict()
        self._told = float("-inf")
        self.gave_way = 0
        self.turned_away = 0
        self.stuck_cut_off = 0

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def enter(self, new: Connection, now: float) -> bool:
        """Take in a connection; return whether there is room for it."""
        group = group_of(new.peer)
        room = self._room_beside(new.peer, group, now) and self._room_at_all(now)
        if room:
            self._open[new] = group
            self._of[group] += 1
        else:
            self.turned_away += 1
            self._say(now)
        return room

    def leave(self, old: Connection) -> None:
        """Forget a connection that is gone."""
        self._stuck.pop(old, None)
        group = self._open.pop(old, None)
        if group is not None:
            self._of[group] -= 1
            if not self._of[group]:
                del self._of[group]
                self._next.pop(group, None)

    def stuck(self, one: Connection) -> None:
        """Note that a client does not take its answer; cut off the one stuck longest if too many."""
        self._stuck[one] = None
        if len(self._stuck) > STUCK_AT_ONCE:
            longest, _ = self._stuck.popitem(last=False)
            self.stuck_cut_off += 1
            longest.cut_off()

    def moving(self, one: Connection) -> None:
        """Note that a client has taken all there was."""
        self._stuck.pop(one, None)

    def _room_beside(self, peer: str, group: str, now: float) -> bool:
        """Return whether one more fits beside those of the same address; make room if not.

        The address itself is a proxy's or not, and not what it counts as: that may be a network.
        """
        few = not group or self._of[group] < self._most_of_one
        return few or self._trusts(peer) or self._make_room(group, now)

    def _room_at_all(self, now: float) -> bool:
        return len(self._open) < self._most or self._make_room("", now)

    def _make_room(self, group: str, now: float) -> bool:
        """Let one connection go, of an address or (an empty name) of all; return whether one could."""
        old = self._longest_waiting(group)
        if old is None:
            return False
        self.gave_way += 1
        self._say(now)
        self.leave(old)
        old.let_go()
        return True

    def _longest_waiting(self, group: str) -> Connection | None:
        """Return the connection that gives way; all are looked at only when a list is used up."""
        for _ in range(2):  # what is left of the last list, then a new one
            line = self._next.pop(group, None) or self._line(group)
            while line:
                old, since = line.popleft()
                if old in self._open and old.waiting and old.since == since:
                    self._next[group] = line
                    return old
        return None

    def _line(self, group: str) -> deque[tuple[Connection, float]]:
        """Return the waiting connections with the moment since when, the first to give way first."""
        share = self._most / max(1, len(self._of))
        found = [
            (self._of[of] <= share, not one.fresh, one.since, one)
            for one, of in self._open.items()
            if one.waiting and (of == group or not group)
        ]
        found.sort(key=lambda each: each[:3])
        return deque((one, since) for _, _, since, one in found)

    def _say(self, now: float) -> None:
        if now - self._told < _TELL_SECONDS:
            return
        self._told = now
        tell(
            STATE,
            logging.WARNING,
            "as many connections as are allowed",
            open=len(self._open),
            gave_way=self.gave_way,
            turned_away=self.turned_away,
        )


def room_for(wanted: int) -> int:
    """Return how many connections the process may hold, having raised its own limit of files if it may.

    Args:
        wanted: How many there should be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + FILES_KEPT
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if raised > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        return max(1, min(wanted, soft - FILES_KEPT))
    return wanted
