"""The same tasks spread over a Ray cluster: an actor for each that runs at once, a child in each.

A node that goes takes its actors with it; what they had begun is begun anew elsewhere, and as many
actors as there is room for go on. The files of a task travel over the cluster, so that its nodes
need no disk in common; bedside must be installed on each.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, TypeAlias

from bedside.canonical import Json
from bedside.errors import BedsideError, Unavailable, UsageError
from bedside.jobs.ray_worker import RayWorker
from bedside.jobs.task import Finished, Heard, Step, Task, unread

MOST_LOST: Final = 3
"""How often a task may lose the machine under it before it is told."""

CONNECT_SECONDS: Final = 5.0

MOST_STILLBORN: Final = 3
"""How many actors more than run at once may end before they begin, in a row, with no other at work."""

LOOK_SECONDS: Final = 0.5
IDLE_SECONDS: Final = 300.0
"""How long nothing may run, with tasks left, before the cluster is given up."""

Actor: TypeAlias = Any
Reference: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Share:
    """What one task takes of a node.

    Attributes:
        cores: Processors.
        memory: Bytes, at most.
    """

    cores: int
    memory: int


class Cluster:
    """The nodes of a Ray cluster."""

    def __init__(
        self,
        address: str,
        module: str,
        common: tuple[bytes, ...],
        share: Share,
        at_once: int | None = None,
    ) -> None:
        """Connect.

        Args:
            address: Of the cluster, as `ray.init` takes it: `host:6379`, `ray://host:10001`, `auto`.
            module: What each child runs, one of ours.
            common: Frames of files that all tasks share.
            share: What one task takes.
            at_once: How many run at once; None for as many as the cluster has processors for.

        Raises:
            UsageError: Ray is not installed.
            Unavailable: there is no cluster at the address.
        """
        self._ray = _ray()
        self._module = module
        self._share = share
        try:
            _knock(address)
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, OSError, RuntimeError, TimeoutError, ValueError) as problem:
            raise Unavailable(
                f"There is no Ray cluster at {address}: {str(problem).splitlines()[0][:200]}",
                advice="Start one with `ray start --head`, and give its address.",
            ) from problem
        self._common = self._ray.put(b"".join(common))
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        self._at_once = at_once or max(cores // share.cores, 1)

    def run(self, tasks: Iterable[Task]) -> Iterator[Heard]:
        """Yield what is heard; see `Workers.run`."""
        try:
            yield from _Run(self._ray, self._actor, self._at_once, iter(tasks)).heard()
        finally:
            self._ray.shutdown()

    def _actor(self) -> Actor:
        """Ask for a process on a node that has the processors and the memory to spare."""
        share = {"num_cpus": self._share.cores, "memory": self._share.memory}
        asked = self._ray.remote(RayWorker).options(**share, max_restarts=0)
        return asked.remote(self._module, self._common)


class _Run:
    """One run: which actor does which task, and which tasks lost theirs."""

    def __init__(self, ray: Any, actor: Any, at_once: int, tasks: Iterator[Task]) -> None:
        self._ray = ray
        self._new_actor = actor
        self._at_once = at_once
        self._tasks = tasks
        self._again: list[Task] = []
        self._lost: dict[str, int] = {}
        self._busy: dict[Reference, tuple[Actor, Task | None]] = {}
        self._idle_looks = 0
        self._stillborn = 0

    def heard(self) -> Iterator[Heard]:
        """Yield what is heard until every task is told."""
        for _ in range(self._at_once):
            self._hire()
        while any(task is not None for _, task in self._busy.values()) or self._left():
            ready, _ = self._ray.wait(list(self._busy), num_returns=1, timeout=LOOK_SECONDS)
            self._check_idle(ready)
            for reference in ready:
                actor, task = self._busy.pop(reference)
                yield from self._ended(reference, actor, task)

    def _ended(self, reference: Reference, actor: Actor, task: Task | None) -> Iterator[Heard]:
        """Yield what came of a task; give its actor the next, or hire another where it is gone."""
        try:
            found = self._ray.get(reference)
        except self._ray.exceptions.RayError as problem:
            self._stillborn += task is None
            if task is not None:
                yield from self._lost_one(task, problem)
            self._replace(problem)
            return
        self._stillborn = 0
        if task is not None:
            said, files = found
            yield Finished(task.name, said, files)
        yield from self._give(actor)

    def _give(self, actor: Actor) -> Iterator[Heard]:
        """Give an actor the next task whose files can be read; let it go where there is none."""
        while (task := self._next()) is not None:
            try:
                files = list(task.files())
            except (BedsideError, OSError) as problem:
                yield unread(task.name, problem)
                continue
            yield Step(task.name, "begun", 0, 0)
            self._busy[actor.work.remote(task.name, task.asked, files)] = (actor, task)
            return
        with suppress(Exception):  # it may be gone already
            self._ray.kill(actor)

    def _lost_one(self, task: Task, problem: Exception) -> Iterator[Heard]:
        times = self._lost[task.name] = self._lost.get(task.name, 0) + 1
        if times < MOST_LOST:
            self._again.append(task)
            return
        said: dict[str, Json] = {
            "problem": "ended",
            "message": f"{times} machines went while they worked on it ({type(problem).__name__}).",
            "advice": "It may be too large for them; call this again with fewer at once.",
        }
        yield Finished(task.name, said, {})

    def _hire(self) -> None:
        actor = self._new_actor()
        self._busy[actor.ready.remote()] = (actor, None)

    def _replace(self, problem: Exception) -> None:
        """Hire another in the place of one that is gone; not without end where none even begins.

        Raises:
            Unavailable: none begins, and none is at work.
        """
        if self._stillborn < self._at_once + MOST_STILLBORN:
            self._hire()
        elif not self._busy:
            lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
            raise Unavailable(
                f"No process begins on the cluster: {(lines or [type(problem).__name__])[-1][:300]}",
                advice="Install the same bedside, for the same Python, on every node.",
            )

    def _left(self) -> bool:
        """Whether a task waits; the next one is taken out to see."""
        if not self._again and (task := next(self._tasks, None)) is not None:
            self._again.append(task)
        return bool(self._again)

    def _next(self) -> Task | None:
        return self._again.pop(0) if self._left() else None

    def _check_idle(self, ready: list[Reference]) -> None:
        working = any(task is not None for _, task in self._busy.values())
        self._idle_looks = 0 if ready or working else self._idle_looks + 1
        if self._idle_looks * LOOK_SECONDS > IDLE_SECONDS:
            raise Unavailable(
                f"The cluster gave no process for {IDLE_SECONDS:g} s.",
                advice="Look at `ray status`; call this again when nodes are there.",
            )


def _knock(address: str) -> None:
    """See that somebody listens, within seconds: Ray itself tries for minutes.

    Raises:
        OSError: nobody does.
        ValueError: the port is no number.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing phones home
    try:
        return import_module("ray")
    except ImportError as problem:
        raise UsageError(
            "Ray is not installed.", advice="Install bedside[ray], or leave --ray out."
        ) from problem
