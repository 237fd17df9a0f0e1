"""`bedside lab train TASK`: a run begun or gone on with, a bar with the time left, SIGTERM minded."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from bedside.canonical import Json
from bedside.cli.screen import Page, on_one_line, show
from bedside.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from bedside.lab.training.running import Session
    from bedside.lab.training.task import Kind
    from bedside.lab.training.training import Watch


def begin_run(
    task: str, words: Sequence[str], where: tuple[Path, Path | None], *, as_json: bool
) -> None:
    """Train a task in a new folder.

    Raises:
        UsageError: no such task or setting, or a folder in a work tree.
        Conflict: the folder holds a run.
    """
    kind = _kind_of(task)
    from bedside.lab.training.configuring import configured
    from bedside.lab.training.running import begin

    out, config = where
    settings = configured(kind.settings, words, config)
    with stopping() as asked, _looking_on(task, settings.steps) as watch:
        session = begin(task, kind, settings, out, (watch, asked))
    _tell(session, out, as_json=as_json)


def resume_run(folder: Path, words: Sequence[str], *, as_json: bool) -> None:
    """Go on with a run.

    Raises:
        NotFound: the folder holds none.
        UsageError: a setting may not change.
    """
    _torch()
    from bedside.lab.training.running import resume, settings_of

    task, settings = settings_of(folder)
    with stopping() as asked, _looking_on(task, int(settings["steps"])) as watch:
        session = resume(folder, words, _kind_of, (watch, asked))
    _tell(session, folder, as_json=as_json)


def list_tasks(*, as_json: bool) -> None:
    """Tell what can be trained."""
    _torch()
    from bedside.lab.tasks import TASKS, kind_of

    found = {name: kind_of(name).about for name in TASKS}
    show(dict(found), lambda page: page.pairs(list(found.items())), as_json=as_json)


def show_settings(task: str, *, as_json: bool) -> None:
    """Tell all that may be set of a task.

    Raises:
        UsageError: there is no such task.
    """
    kind = _kind_of(task)
    from bedside.lab.training.configuring import all_settings

    rows = list(all_settings(kind.settings))
    value = [{"name": name, "is": told, "default": default} for name, told, default in rows]

    def tell(page: Page) -> None:
        page.line(kind.about)
        page.table(
            ("setting", "is", "unless set"),
            [(name, told, str(default)) for name, told, default in rows],
        )

    show(value, tell, as_json=as_json)


def _torch() -> None:
    """Check that torch is here.

    Raises:
        UsageError: it is not; names the extra.
    """
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise UsageError(
            "Training networks needs torch, which is not installed.",
            advice="Install it with: pip install 'bedside[torch]'",
        )


def _kind_of(task: str) -> Kind[Any]:
    _torch()
    from bedside.lab.tasks import kind_of

    return kind_of(task)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Give what says whether SIGTERM or Ctrl-C came; the second Ctrl-C ends the process."""
    came: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        sys.stderr.write("Stopping after this step, with a checkpoint.\n")

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, take) for number in numbers]
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class _Bar:
    """A bar for the steps, with the last loss."""

    def __init__(self, shown: Progress, task: str, steps: int) -> None:
        self._shown = shown
        self._name = on_one_line(task)
        self._bar: Any = shown.add_task(self._name, total=steps, said="")
        self._loss = ""

    def stepped(self, step: int, loss: float) -> None:
        self._loss = f"loss {loss:.4f}"
        self._shown.update(self._bar, completed=step, description=self._name, said=self._loss)

    def validating(self, case: int, of: int) -> None:
        self._shown.update(self._bar, description=f"{self._name}: validation {case + 1} of {of}")

    def validated(self, step: int, means: Mapping[str, float], *, best: bool) -> None:
        told = ", ".join(f"{name} {value:.4f}" for name, value in list(means.items())[:4])
        self._shown.console.print(f"step {step}: {told}{'  (best)' if best else ''}", markup=False)

    def saved(self, step: int) -> None:
        self._shown.update(self._bar, said=f"{self._loss}, kept at {step}")

    def troubled(self, words: str) -> None:
        self._shown.console.print(on_one_line(words), markup=False)


class _Lines:
    """A line for each validation and each checkpoint: for a log, where nobody watches a bar."""

    def stepped(self, step: int, loss: float) -> None: ...

    def validating(self, case: int, of: int) -> None: ...

    def validated(self, step: int, means: Mapping[str, float], *, best: bool) -> None:
        told = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        sys.stderr.write(f"step {step}: {told}{'  (best)' if best else ''}\n")

    def saved(self, step: int) -> None:
        sys.stderr.write(f"step {step}: checkpoint\n")

    def troubled(self, words: str) -> None:
        sys.stderr.write(f"{on_one_line(words)}\n")


@contextmanager
def _looking_on(task: str, steps: int) -> Iterator[Watch]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}", markup=False),
    )
    console = Console(file=sys.stderr, markup=False)
    with Progress(*columns, console=console, transient=True, speed_estimate_period=600) as shown:
        yield _Bar(shown, task, steps)


def _tell(session: Session, folder: Path, *, as_json: bool) -> None:
    trained, judgement = session.trained, session.trained.judgement
    best = None if judgement.means is None else judgement.best
    value: dict[str, Json] = {
        "task": session.name,
        "run": str(folder),
        "end": trained.end,
        "step": trained.step,
        "steps": session.settings.steps,
        "seconds": round(trained.seconds, 1),
        "best": best,
        "best_step": judgement.best_step,
        "means": None if judgement.means is None else dict(judgement.means),
        "weights": dict(trained.weights),
        "record": session.record,
    }

    def tell(page: Page) -> None:
        page.line(f"{session.name}: step {trained.step} of {session.settings.steps}", style="bold")
        if best is not None:
            page.line(f"best score {best:.4f} after step {judgement.best_step}")
        page.line(f"run record: {session.record}")
        if trained.end in ("asked", "minutes"):
            page.line(f"It can go on: bedside lab train --resume {on_one_line(str(folder))}")

    show(value, tell, as_json=as_json)
