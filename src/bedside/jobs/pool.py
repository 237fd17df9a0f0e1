"""A pool of child processes on this machine, each with what it has loaded, one task at a time each.

A task whose process ends is tried once more; then it is told, and the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from typing import Final

from bedside.errors import BedsideError, UsageError
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.frames import Garbled
from bedside.jobs.task import MOST_ATTEMPTS, Finished, Heard, Step, Task, ended, hear, unread

WAIT_SECONDS: Final = 0.2


class Pool:
    """So many children of one module."""

    def __init__(
        self, module: str, common: tuple[bytes, ...], at_once: int, priority: str = "low"
    ) -> None:
        """Start nothing yet.

        Args:
            module: What each child runs, one of ours.
            common: Frames of files that all tasks share.
            at_once: Most children.
            priority: Of the children on the processor; one of `inside.NICE`.

        Raises:
            UsageError: no child at all.
        """
        if at_once < 1:
            raise UsageError(f"{at_once} tasks at once get nothing done.")
        self._module = module
        self._common = common
        self._at_once = at_once
        self._priority = priority

    def run(self, tasks: Iterable[Task]) -> Iterator[Heard]:
        """Yield what is heard; see `Workers.run`."""
        waiting, heard = _Waiting(tasks), Queue[Heard | BaseException | None]()
        stop = threading.Event()
        threads = [
            threading.Thread(
                target=self._work, args=(waiting, heard.put, stop), name=f"pool-{number}"
            )
            for number in range(self._at_once)
        ]
        for thread in threads:
            thread.start()
        try:
            over = 0
            while over < len(threads):
                try:
                    found = heard.get(timeout=WAIT_SECONDS)
                except Empty:
                    continue
                if isinstance(found, BaseException):
                    raise found
                if found is None:
                    over += 1
                else:
                    yield found
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _work(
        self,
        waiting: _Waiting,
        tell: Callable[[Heard | BaseException | None], None],
        stop: threading.Event,
    ) -> None:
        """Do tasks until there are none, with one child as long as it lives."""
        children: list[Child] = []
        try:
            while not stop.is_set() and (task := waiting.next()) is not None:
                tell(self._done(task, children, tell, stop))
        except _Stopped:
            pass
        except BaseException as problem:  # noqa: BLE001 - raised again by `run`
            tell(problem)
        finally:
            for child in children:
                child.close()
            tell(None)

    def _done(
        self,
        task: Task,
        children: list[Child],
        tell: Callable[[Heard], None],
        stop: threading.Event,
    ) -> Finished:
        def going_on() -> None:
            if stop.is_set():
                raise _Stopped

        def step(now: Step) -> None:
            going_on()
            if now.stage:
                tell(now)

        for _ in range(MOST_ATTEMPTS - 1):
            try:
                return self._tried(task, children, step, going_on)
            except (ChildEnded, Garbled):
                continue
        try:
            return self._tried(task, children, step, going_on)
        except (ChildEnded, Garbled) as problem:
            return ended(task.name, problem)

    def _tried(
        self,
        task: Task,
        children: list[Child],
        step: Callable[[Step], None],
        going_on: Callable[[], None],
    ) -> Finished:
        """Return what came of a task; a child that did not do it whole is not kept.

        Raises:
            ChildEnded: its process ended.
            Garbled: it said what is no frame.
        """
        if not children:
            children.append(Child(self._module, [self._priority]))
        child = children.pop()
        try:
            child.say(task.frames(self._common), going_on)
            found = hear(child, task.name, step)
        except (ChildEnded, Garbled, _Stopped):
            child.close()
            raise
        except (BedsideError, OSError) as problem:  # a file of the task cannot be read
            child.close()
            return unread(task.name, problem)
        if "problem" in found.said and "refusals" not in found.said:
            child.close()  # it may not have heard all
        else:
            children.append(child)
        return found


class _Waiting:
    """Tasks that nobody has begun; safe to use from many threads."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self._guard = threading.Lock()

    def next(self) -> Task | None:
        with self._guard:
            return next(self._tasks, None)


class _Stopped(Exception):
    """Nobody waits for the result any more."""
