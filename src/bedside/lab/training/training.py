"""A training run in a folder of its own: begun, gone on with after any end, and put on record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

import torch

from bedside.canonical import Json, canonical_bytes
from bedside.clock import system_clock, timestamp
from bedside.errors import Conflict
from bedside.lab.training.checkpoint import (
    Checkpoint,
    has_checkpoint,
    last_checkpoint,
    save_checkpoint,
    save_weights,
)
from bedside.lab.training.curves import draw_curves
from bedside.lab.training.diary import Diary
from bedside.lab.training.environment import code, environment
from bedside.lab.training.folder import (
    BEST_WEIGHTS,
    FINAL_WEIGHTS,
    SETTINGS,
    alone,
    check_data,
    first_weights,
)
from bedside.lab.training.judging import Judgement, means_of
from bedside.lab.training.settings import Settings
from bedside.lab.training.state import BEST, Named, part
from bedside.lab.training.task import Cases, Task
from bedside.lab.training.trainer import Trainer
from bedside.store.disk import replace_file

MODE: Final = 0o644
REDRAWN: Final = 60.0
"""Seconds, at least, from one picture of the curves to the next."""

WORKSPACE: Final = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""With it cuBLAS gives equal bits; another value that stands in the environment stays."""

End: TypeAlias = Literal["steps", "patience", "minutes", "asked"]
"""Why it ended: all steps done; no better score for long; the time is over; somebody asked for it."""


class Watch(Protocol):
    """Who looks on while a network is trained."""

    def stepped(self, step: int, loss: float) -> None:
        """Be told of each step."""

    def validating(self, case: int, of: int) -> None:
        """Be told of each validation case."""

    def validated(self, step: int, means: Mapping[str, float], *, best: bool) -> None:
        """Be told of each validation."""

    def saved(self, step: int) -> None:
        """Be told of each checkpoint."""

    def troubled(self, words: str) -> None:
        """Be told of what does not go well and does not end the run."""


class Nobody:
    """Looks on and says nothing."""

    def stepped(self, step: int, loss: float) -> None: ...  # noqa: D102 - as in Watch

    def validating(self, case: int, of: int) -> None: ...  # noqa: D102

    def validated(self, step: int, means: Mapping[str, float], *, best: bool) -> None: ...  # noqa: D102

    def saved(self, step: int) -> None: ...  # noqa: D102

    def troubled(self, words: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be trained.

    Attributes:
        name: Of the task.
        task: The task.
        settings: Its settings.
        asked_to_stop: Asked after every step; where it says yes, a checkpoint is written and the run
            can be gone on with.
        watch: Who looks on.
    """

    name: str
    task: Task
    settings: Settings
    asked_to_stop: Callable[[], bool] = lambda: False
    watch: Watch = field(default_factory=Nobody)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a session of a run ended with.

    Attributes:
        step: How many steps are done.
        end: Why it ended.
        judgement: The best score, and when.
        seconds: Of training, all sessions together.
        sessions: Of each session: when, where, with which code, from which step to which.
        weights: Digests of the files of weights, by their names.
        parent: Digest of the record of the run that the first weights came from.
    """

    step: int
    end: End
    judgement: Judgement
    seconds: float
    sessions: tuple[dict[str, Json], ...]
    weights: Mapping[str, str]
    parent: str | None = None


def train(order: Order, folder: Path) -> Trained:
    """Train in a new folder, or one that holds nothing.

    Raises:
        Conflict: the folder holds a run.
        BedsideError: training failed, or the disk did; what checkpoints there are stand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if has_checkpoint(folder) or (folder / SETTINGS).exists():
        raise Conflict(
            f"{folder} holds a run already.",
            advice="Go on with it by --resume, or name another folder.",
        )
    document = {
        "task": order.name,
        "settings": order.settings.model_dump(mode="json"),
        "data": [one.digest for one in order.task.data],
    }
    with alone(folder), _exactly(order.settings):
        replace_file(folder / SETTINGS, canonical_bytes(document), MODE)
        return _Run(order, folder, None).done()


def go_on(order: Order, folder: Path) -> Trained:
    """Go on with a run from its last checkpoint, exactly as if it had never ended.

    Equal bits need the same machine, libraries and number of threads; the sessions in the record say
    whether they were.

    Raises:
        NotFound: there is no checkpoint.
        Conflict: another process trains this run.
        UsageError: the checkpoint is of another network, or the data are not those it began with.
        BedsideError: training failed, or the disk did; what checkpoints there are stand.
    """
    check_data([one.digest for one in order.task.data], folder)
    has_begun = has_checkpoint(folder) or not (folder / SETTINGS).exists()
    with alone(folder), _exactly(order.settings):
        checkpoint = last_checkpoint(folder) if has_begun else None
        return _Run(order, folder, checkpoint).done()


class _Run:
    """One session of a run."""

    def __init__(self, order: Order, folder: Path, checkpoint: Checkpoint | None) -> None:
        self._order = order
        self._folder = folder
        self._trainer = Trainer(order.task, order.settings)
        self._judgement = Judgement()
        self._best: Named = {}
        self._has_best = True
        """Whether the file of the best weights is these."""
        self._losses: list[float] = []
        self._norms: list[float] = []
        self._before, self._sessions = 0.0, list[dict[str, Json]]()
        self._weights: dict[str, str] = {}
        self._parent: str | None = None
        if checkpoint is not None:
            self._restore(checkpoint)
        elif order.settings.start:
            weights, self._parent = first_weights(Path(order.settings.start))
            self._trainer.begin_with(weights)
        self._diary = Diary(folder, self._trainer.step)
        self._begun = self._saved = self._drawn = time.monotonic()
        self._sessions.append(
            {
                "began_at": timestamp(system_clock()),
                "from_step": self._trainer.step,
                "code": code(),
                "environment": environment(self._trainer.device),
            }
        )

    def done(self) -> Trained:
        end = self._end()
        if end is None:
            batches = self._trainer.batches()
            cases = self._order.task.validation_cases()
            while end is None:
                self._step(batches, cases)
                end = self._end()
        self._save()
        if not self._has_best:
            self._write_best()
        final = save_weights(self._folder / FINAL_WEIGHTS, self._trainer.weights())
        self._weights[FINAL_WEIGHTS] = final
        self._draw()
        return Trained(
            self._trainer.step,
            end,
            self._judgement,
            self._seconds,
            tuple(self._sessions),
            dict(self._weights),
            self._parent,
        )

    def _step(self, batches: Iterator[dict[str, torch.Tensor]], cases: Cases) -> None:
        settings, trainer = self._order.settings, self._trainer
        loss, norm = trainer.advance(batches)
        self._losses.append(loss)
        self._norms.append(norm)
        self._order.watch.stepped(trainer.step, loss)
        if trainer.step % settings.log_every == 0:
            with self._spared("log"):
                self._log()
        if trainer.step % settings.validate_every == 0 or trainer.step == settings.steps:
            self._validate(cases)
        if time.monotonic() - self._saved >= settings.checkpoint_minutes * 60:
            self._try_to_save()

    def _log(self) -> None:
        losses, norms = self._losses, [one for one in self._norms if one < float("inf")]
        line: dict[str, Json] = {
            "step": self._trainer.step,
            "loss": sum(losses) / len(losses),
            "seconds": round(self._seconds, 3),
        }
        if norms:
            line["gradient"] = sum(norms) / len(norms)
        self._losses, self._norms = [], []
        self._diary.write(line)

    def _validate(self, cases: Cases) -> None:
        found = self._trainer.validate(cases, self._order.watch.validating)
        means, step = means_of(found), self._trainer.step
        self._judgement = self._judgement.after(step, means, self._order.task.score)
        with self._spared("log"):
            self._diary.write({"step": step, "validation": means, "cases": len(found)})
        if self._judgement.improved:
            self._best, self._has_best = self._trainer.weights(), False
            with self._spared("best weights"):
                self._write_best()
        if time.monotonic() - self._drawn >= REDRAWN:
            with self._spared("curves"):
                self._draw()
        self._order.watch.validated(step, means, best=self._judgement.improved)

    @contextmanager
    def _spared(self, what: str) -> Iterator[None]:
        """Where the disk refuses what can be written later, say so and go on."""
        try:
            yield
        except OSError as problem:
            self._order.watch.troubled(
                f"The {what} cannot be written at step {self._trainer.step}: {problem}. Make room; "
                "training goes on."
            )

    def _write_best(self) -> None:
        self._weights[BEST_WEIGHTS] = save_weights(self._folder / BEST_WEIGHTS, self._best)
        self._has_best = True

    def _draw(self) -> None:
        draw_curves(self._folder, self._order.settings, self._order.name)
        self._drawn = time.monotonic()

    def _end(self) -> End | None:
        settings = self._order.settings
        if self._trainer.step >= settings.steps:
            return "steps"
        if settings.patience and self._judgement.since >= settings.patience:
            return "patience"
        if settings.minutes and self._seconds >= settings.minutes * 60:
            return "minutes"
        return "asked" if self._order.asked_to_stop() else None

    @property
    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._begun

    def _try_to_save(self) -> None:
        """Save; where the disk is full, say so and go on until it is time again."""
        try:
            self._save()
        except OSError as problem:
            self._saved = time.monotonic()
            words = f"No checkpoint at step {self._trainer.step}: {problem}. Make room; training goes on."
            self._order.watch.troubled(words)

    def _save(self) -> None:
        self._sessions[-1]["to_step"] = self._trainer.step
        self._sessions[-1]["until"] = timestamp(system_clock())
        tensors, numbers = self._trainer.state()
        tensors |= {f"{BEST}{name}": one for name, one in self._best.items()}
        told = {
            "numbers": numbers,
            "judgement": self._judgement.told(),
            "losses": self._losses,
            "norms": [one if one < float("inf") else None for one in self._norms],
            "seconds": self._seconds,
            "sessions": self._sessions,
            "parent": self._parent,
        }
        self._diary.keep()
        save_checkpoint(self._folder, self._trainer.step, tensors, told)
        self._saved = time.monotonic()
        self._order.watch.saved(self._trainer.step)

    def _restore(self, checkpoint: Checkpoint) -> None:
        told = checkpoint.told
        self._trainer.restore(checkpoint.step, checkpoint.tensors, told["numbers"])
        self._judgement = Judgement.read(told["judgement"])
        self._losses = list(told["losses"])
        self._norms = [float("inf") if one is None else one for one in told["norms"]]
        self._before, self._sessions = told["seconds"], list(told["sessions"])
        self._parent = told["parent"]
        self._best = part(checkpoint.tensors, BEST)
        if self._best:
            self._write_best()


@contextmanager
def _exactly(settings: Settings) -> Iterator[None]:
    """Set torch's threads and its choice of algorithms while a network is trained.

    Source: of `WORKSPACE`, cuBLAS library documentation, section 2.1.4, results reproducibility.
    """
    if settings.deterministic and torch.cuda.is_available():
        os.environ.setdefault(*WORKSPACE)  # torch refuses products on a GPU without it
    threads, before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(settings.deterministic)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.set_num_threads(threads)
