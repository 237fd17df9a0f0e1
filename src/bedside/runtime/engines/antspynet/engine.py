"""ANTsPyNet as an engine: one volume in, probabilities or a number out, from the kept child."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bedside.errors import ConditionsNotMet, PackageDamaged, PackageRefused, UsageError
from bedside.imaging.axes import orientation_of, turn_between, turned
from bedside.imaging.grid import Placed
from bedside.package.antspynet import AntspynetModel
from bedside.runtime.engines.antspynet.functions import Asked, Files, asked, files_of
from bedside.runtime.engines.antspynet.process import MOST_MEMORY, Child, Heard, Idle
from bedside.runtime.engines.antspynet.protocol import Message
from bedside.runtime.engines.antspynet.weights import WeightFile, check_there
from bedside.runtime.engines.engine import Engines, Prepared, Scores
from bedside.runtime.progress import Progress, Report, silent

RUN_SECONDS: Final = 3_600.0
"""Longest time for one answer: registrations on one thread take minutes."""

IDLE_SECONDS: Final = 300
"""A child that nobody asks ends by itself, and with it a gigabyte of memory; the next answer waits for
another to start."""

UPRIGHT: Final = Files((), ("S_template3",))
"""What setting a head upright reads."""

_TOLD: Final = ("cut", "turned", "loads", "read", "steps", "peak_kib")


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What the child gave.

    Attributes:
        values: Channels × i × j × k, on the grid of what was asked; or numbers.
        told: How it came to it: voxels `cut`, degrees `turned`, files `read`, `peak_kib` of memory …
    """

    values: NDArray[np.float32]
    told: Mapping[str, Any]


class AntspynetEngine:
    """A function of ANTsPyNet with its networks loaded. Safe to use from several threads.

    The child starts at the first answer, and again after one that ended it.
    """

    def __init__(
        self,
        model: AntspynetModel,
        engines: Engines,
        *,
        threads: int = 1,
        seconds: float = RUN_SECONDS,
    ) -> None:
        """Check what the manifest declares, and that its files are here.

        Args:
            model: What the manifest declares.
            engines: Where the weights lie, and which interpreter has the library.
            threads: How many the networks may use.
            seconds: Longest time for one answer.

        Raises:
            PackageDamaged: a parameter that the function does not take, or a file that it needs
                and that the manifest does not list.
            ConditionsNotMet: no weights folder is named, or a file is missing from it.
        """
        self._model, self._seconds = model, seconds
        self._threads, self._memory = threads, model.memory or MOST_MEMORY
        self._ask = _asked(model)
        self._folder, self._files = _present(model, engines)
        self._python = engines.python
        self._lock = Lock()
        self._child: Child | None = None
        self._usual = 1

    def __call__(self, prepared: Prepared, report: Report) -> Scores:
        """Return channels × i × j × k on the grid of `prepared`, or one number."""
        volume = Placed(prepared.tensor[0], prepared.affine)
        values = self.answer([volume], report).values
        report(Progress("infer", 1, 1))
        return values

    def answer(self, images: Sequence[Placed], report: Report) -> Answered:
        """Return what the function says of the images of one head, all on one grid.

        Every image is turned to RAS before and the answer back, exactly, so that the order in
        which a file stores its axes changes nothing.
        """
        _refuse_other_grids(images)
        turn = turn_between(orientation_of(images[0].affine), "RAS")
        affine = images[0].affine @ turn.matrix(images[0].shape)
        header = {
            "kind": "call",
            "function": self._model.function,
            "parameters": dict(self._model.parameters),
            "affines": [affine.tolist()] * len(images),
            "outliers": self._model.steadied.outliers,
            "upright": self._model.steadied.upright,
        }
        arrays = [np.ascontiguousarray(turned(one.values, turn)) for one in images]
        with self._lock:
            message = self._answered(header, arrays, report)
        told = {name: message.header[name] for name in _TOLD if name in message.header}
        scores = self._checked(message, arrays[0].shape)
        if scores.ndim == 1:
            return Answered(scores, told)
        back = turn.inverse
        return Answered(np.stack([turned(one, back) for one in scores]), told)

    def findings(self, film: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each finding of a film (rows × columns, values from 0 to 1)."""
        header = {
            "kind": "call",
            "function": self._model.function,
            "parameters": dict(self._model.parameters),
            "affines": [None],
            "outliers": False,
            "upright": False,
        }
        array = np.ascontiguousarray(film.T)  # the library counts along columns first
        with self._lock:
            message = self._answered(header, [array], silent)
        return self._checked(message, ())

    def warm(self, report: Report) -> Mapping[str, str]:
        """Start the child where there is none; return the versions of its libraries.

        Raises:
            NotFound: no such interpreter, or one without the library.
            ConditionsNotMet: another version of the library than the manifest accepts.
        """
        with self._lock:
            return self._ready(lambda _, done: report(Progress("infer", 0, done + 1))).versions

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()

    def _answered(
        self, header: Mapping[str, Any], arrays: Sequence[NDArray[np.float32]], report: Report
    ) -> Message:
        def heard(_: str, done: int) -> None:
            report(Progress("infer", done, max(self._usual, done + 1)))

        child = self._ready(heard)
        try:
            message = child.ask(header, arrays, heard, self._seconds)
        except Idle:  # it ended in the moment in which it was asked
            message = self._ready(heard).ask(header, arrays, heard, self._seconds)
        self._usual = max(1, int(message.header.get("steps", 1)))
        return message

    def _ready(self, heard: Heard) -> Child:
        if self._child is None or not self._child.alive:
            begin = {
                "weights": str(self._folder.resolve()),
                "files": [asdict(one) for one in self._files],
                "seed": self._model.seed,
                "threads": self._threads,
                "memory": self._memory,
                "idle": IDLE_SECONDS,
                "network": False,
            }
            self._child = Child(self._python, begin, heard)
            self._check_version(self._child)
        return self._child

    def _check_version(self, child: Child) -> None:
        found = child.versions.get("antspynet", "")
        if not SpecifierSet(self._model.library).contains(found, prereleases=True):
            child.close()
            raise ConditionsNotMet(
                f"The package needs ANTsPyNet {self._model.library}; here is {found}.",
                advice=f"Install antspynet{self._model.library} beside Bedside, or freeze it again.",
            )

    def _checked(self, message: Message, sides: tuple[int, ...]) -> NDArray[np.float32]:
        channels = self._ask.channels
        of_voxels = self._ask.known.gives == "probabilities"
        wanted = (channels, *sides) if of_voxels else (channels,)
        found = [one.shape for one in message.arrays]
        if found != [wanted] or message.arrays[0].dtype != np.float32:
            raise PackageRefused(f"ANTsPyNet answered with arrays of {found}; it must be {wanted}.")
        values = np.asarray(message.arrays[0], np.float32)
        if not np.isfinite(values).all():
            raise PackageRefused("ANTsPyNet answered with numbers that are not finite.")
        return values


def needed(
    model_function: str, parameters: Mapping[str, Any], images: int, *, upright: bool
) -> Files:
    """Return every file that an answer reads, the template for setting heads upright with them.

    Raises:
        UsageError: no such function or parameter.
    """
    ask = asked(model_function, parameters)
    files = files_of(ask, images)
    return files + UPRIGHT if upright and ask.known.axes == 3 else files


def _asked(model: AntspynetModel) -> Asked:
    try:
        SpecifierSet(model.library)
        ask = asked(model.function, model.parameters)
        files = needed(model.function, model.parameters, 1, upright=model.steadied.upright)
    except (UsageError, InvalidSpecifier) as problem:
        raise PackageDamaged(f"The manifest's model cannot be run: {problem}") from problem
    if missing := sorted(set(files.names) - set(model.weights)):
        raise PackageDamaged(
            f"{model.function} reads {missing}, which the manifest does not list.",
            advice="Freeze the package again with every file that its function reads.",
        )
    return ask


def _present(model: AntspynetModel, engines: Engines) -> tuple[Path, tuple[WeightFile, ...]]:
    if engines.weights is None:
        raise ConditionsNotMet(
            f"The model is ANTsPyNet's {model.function}, and no folder with its weights is named.",
            advice="Name the folder that `bedside antspynet prefetch` filled.",
        )
    files = tuple(
        WeightFile(name, one.size, one.digest, one.origin) for name, one in model.weights.items()
    )
    for one in files:
        check_there(engines.weights, one)
    return engines.weights, files


def _refuse_other_grids(images: Sequence[Placed]) -> None:
    first = images[0].grid
    if not all(first.fits(one.grid) for one in images[1:]):
        raise UsageError(
            f"The images lie on different grids: {[one.shape for one in images]}.",
            advice="Resample them onto the first one's grid.",
        )
