"""What runs on a node of a Ray cluster: a child of ours, fed and heard there.

Ray is trusted as the machines are: whoever reaches its port runs what they like there. Nothing but
bytes and words go over it, and what an input may do, it does to the child alone.
"""

from __future__ import annotations

from bedside.canonical import Json
from bedside.errors import BedsideError
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.frames import Garbled
from bedside.jobs.task import Step, Task, ended, hear, unread


class RayWorker:
    """An actor: one child of one module, with what it has loaded."""

    def __init__(self, module: str, common: bytes) -> None:
        """Start nothing yet.

        Args:
            module: What the child runs, one of ours.
            common: The frames of files that all tasks share.
        """
        self._module = module
        self._common = common
        self._child: Child | None = None

    def ready(self) -> bool:
        """Answer, so that whoever waits knows that it runs."""
        return True

    def work(
        self, name: str, asked: dict[str, Json], files: list[tuple[str, bytes]]
    ) -> tuple[dict[str, Json], dict[str, bytes]]:
        """Return the child's last words of one task, and what it made; never raise.

        Args:
            name: Of the task.
            asked: What the child is told in words.
            files: Its files.
        """
        child = self._child or Child(self._module, ["low"])
        self._child = None
        task = Task(name, asked, lambda: files)
        try:
            child.say(task.frames([self._common]), _go_on)
            found = hear(child, name, _unheard)
        except (ChildEnded, Garbled) as problem:
            child.close()
            return ended(name, problem).said, {}
        except BedsideError as problem:
            child.close()
            return unread(name, problem).said, {}
        if "problem" in found.said and "refusals" not in found.said:
            child.close()  # it may not have heard all
        else:
            self._child = child
        return found.said, found.files


def _go_on() -> None:
    """Ray ends the process itself when nobody waits."""


def _unheard(_step: Step) -> None:
    """Nobody looks at the stages of another machine."""
