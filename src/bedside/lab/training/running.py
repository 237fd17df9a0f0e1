"""A run from its name and settings to its record: what the command line calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bedside.canonical import Json, read_json
from bedside.errors import Conflict, NotFound, UsageError
from bedside.lab.training.configuring import again, read_settings
from bedside.lab.training.environment import work_tree_of
from bedside.lab.training.folder import SETTINGS
from bedside.lab.training.mirror import Mirror, Mirrored
from bedside.lab.training.record import has_ended, write_record
from bedside.lab.training.settings import Settings, same_run
from bedside.lab.training.task import Kind
from bedside.lab.training.training import Order, Trained, Watch, go_on, train

KindOf = Callable[[str], Kind[Any]]
"""Finds a task by its name."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one session of a run left behind.

    Attributes:
        name: Of the task.
        settings: With which it went.
        trained: How it ended.
        record: Digest of the run record.
    """

    name: str
    settings: Settings
    trained: Trained
    record: str


def begin(
    name: str,
    kind: Kind[Any],
    settings: Settings,
    folder: Path,
    eyes: tuple[Watch, Callable[[], bool]],
) -> Session:
    """Train a task in a new folder, and write the record.

    Args:
        name: Of the task.
        kind: The task.
        settings: Its settings.
        folder: New, and outside of any work tree: a checkpoint would make the code's commit untrue.
        eyes: Who looks on; what says whether to stop.

    Raises:
        UsageError: the folder lies in a work tree, or the data do not fit.
        Conflict: the folder holds a run.
    """
    if (tree := work_tree_of(folder)) is not None:
        raise UsageError(
            f"{folder} lies in the work tree {tree}, which checkpoints would make dirty.",
            advice="Name a folder outside of it, or let git ignore it.",
        )
    return _run(Order(name, kind.make(settings), settings, eyes[1], eyes[0]), folder, train)


def resume(
    folder: Path, words: Sequence[str], kind_of: KindOf, eyes: tuple[Watch, Callable[[], bool]]
) -> Session:
    """Go on with a run, and write its record anew.

    Args:
        folder: Of the run.
        words: Settings that change no weight, such as `checkpoint_minutes=5`.
        kind_of: Finds the task.
        eyes: Who looks on; what says whether to stop.

    Raises:
        NotFound: the folder holds no run.
        UsageError: a setting may not change, or the data are no longer the same.
        Conflict: all steps are done, and the record of them stands; a server gets what it lacks.
    """
    name, value = settings_of(folder)
    kind = kind_of(name)
    before = read_settings(kind.settings, value)
    settings = again(before, words)
    same_run(before, settings)
    if has_ended(folder, settings.steps):
        if settings.mlflow and (problem := Mirror(name, settings, folder).end(whole=True)):
            eyes[0].troubled(problem)
        raise Conflict(
            f"The run in {folder} has ended: all of its {settings.steps} steps are done.",
            advice="Its record stands as it is. Begin another run with its weights by start=FOLDER.",
        )
    return _run(Order(name, kind.make(settings), settings, eyes[1], eyes[0]), folder, go_on)


def settings_of(folder: Path) -> tuple[str, Mapping[str, Json]]:
    """Return the task and the settings with which a run began.

    Raises:
        NotFound: the folder holds no run.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise NotFound(f"{folder} holds no run.", advice="Begin one with `bedside lab train TASK`.")
    found = read_json(path.read_bytes())
    return str(found["task"]), dict(found["settings"])


def _run(order: Order, folder: Path, do: Callable[[Order, Path], Trained]) -> Session:
    """Train, write the record, and let the mirror have all of it."""
    mirror = Mirror(order.name, order.settings, folder) if order.settings.mlflow else None
    if mirror is not None:
        order = replace(order, watch=Mirrored(order.watch, mirror))
    trained = do(order, folder)
    record = write_record(order, trained, folder)
    if mirror is not None and (problem := mirror.end(whole=trained.end in ("steps", "patience"))):
        order.watch.troubled(problem)
    return Session(order.name, order.settings, trained, record)
