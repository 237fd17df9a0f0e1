"""A network of rows or pictures: a matrix or pictures in, a matrix of scores out."""

from __future__ import annotations

import platform
from functools import partial
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from packaging.specifiers import SpecifierSet

from bedside.errors import ConditionsNotMet, PackageDamaged, PackageRefused
from bedside.package.manifest import Conditions
from bedside.package.networks import Model, RowModel
from bedside.runtime.deadline import watchdog
from bedside.runtime.memory import asked_too_much, too_much_asked
from bedside.runtime.onnx_loading import ELEMENTS, ORT_ERRORS, loaded, too_slow
from bedside.runtime.table import Matrix

_SCORES: Final = frozenset({"tensor(float)", "tensor(double)"})

_TABLE: Final = 2
"""Axes of a table."""

RUN_SECONDS: Final = 60.0
"""Longest time for the rows of one call, or for each of its pictures."""

_SPELLINGS: Final = {"amd64": "x86_64", "arm64": "aarch64"}
"""Windows and macOS name the same architectures otherwise than Linux does."""


def processor_name(machine: str) -> str:
    """Return the one name of an architecture, whatever an operating system calls it."""
    return _SPELLINGS.get(machine.lower(), machine)


def this_processor() -> str:
    """Return the one name of this machine's architecture, such as x86_64."""
    return processor_name(platform.machine())


def check_conditions(conditions: Conditions) -> None:
    """Check that this machine is one that the package was verified for.

    Raises:
        ConditionsNotMet: another version of ONNX Runtime, or another processor architecture.
    """
    if not SpecifierSet(conditions.runtime).contains(ort.__version__, prereleases=True):
        raise ConditionsNotMet(
            f"The package needs ONNX Runtime {conditions.runtime}; here is {ort.__version__}.",
            advice=f"Install onnxruntime{conditions.runtime}, or freeze the model again here.",
        )
    if processor_name(conditions.processor) != (here := this_processor()):
        raise ConditionsNotMet(
            f"The package was verified on {conditions.processor}; this machine is {here}.",
            advice="Run it on that architecture, or freeze the model again here.",
        )


class Session:
    """A loaded network: inputs in, a matrix of scores out. Safe to call from several threads.

    Make it after a process has forked: ONNX Runtime's threads do not survive a fork.
    """

    __slots__ = (
        "_element",
        "_input",
        "_one_at_a_time",
        "_output",
        "_seconds",
        "_session",
        "_width",
    )

    def __init__(
        self,
        network: bytes,
        model: RowModel,
        conditions: Conditions,
        width: int,
        *,
        seconds: float = RUN_SECONDS,
    ) -> None:
        """Load `network`, whose declared output must have `width` columns.

        Args:
            network: The bytes of the ONNX model.
            model: What the manifest declares of it.
            conditions: How it must be run.
            width: Columns of its output.
            seconds: Longest time for the rows of one call, or for each of its pictures. ONNX
                Runtime looks between two operators, so the one at work is finished first.

        Raises:
            PackageDamaged: the network is not what the manifest declares, or does not load.
            PackageRefused: loading takes more memory or longer than it may.
        """
        self._element = ELEMENTS[model.element][1]
        self._input, self._output, self._width = model.input, model.output, width
        self._seconds = seconds
        self._session = loaded(network, model, conditions)
        self._one_at_a_time = self._check_input(model)
        self._check_outputs()

    def __call__(self, inputs: NDArray[np.float64] | NDArray[np.float32]) -> Matrix:
        """Return scores, inputs × width, float64.

        Args:
            inputs: Rows × the model's columns, or pictures × channels × rows × columns.

        Raises:
            PackageRefused: a value does not fit the model's element type, the network fails or
                takes too long, or its output has another shape than declared.
        """
        with np.errstate(over="ignore"):  # found just below, and refused
            fed = inputs.astype(self._element, order="C", copy=False)
        if np.isinf(fed).any():
            raise PackageRefused(
                f"Preprocessing gave a value too large for {np.dtype(self._element).name}.",
                advice="Narrow the declared domain, and freeze the model again.",
            )
        if not self._one_at_a_time:
            return self._run(fed)
        return np.concatenate([self._run(fed[i : i + 1]) for i in range(len(fed))])

    def _run(self, fed: NDArray[np.float64] | NDArray[np.float32]) -> Matrix:
        options = ort.RunOptions()
        seconds = self._seconds if fed.ndim == _TABLE else self._seconds * len(fed)
        watch = watchdog().begin(partial(setattr, options, "terminate", True), seconds)
        try:
            (scores,) = self._session.run([self._output], {self._input: fed}, options)
        except ORT_ERRORS as problem:
            if asked_too_much(problem):
                raise too_much_asked() from problem
            if watch.late:
                raise too_slow("run", seconds) from problem
            raise PackageRefused(
                f"The network failed on this input: {str(problem)[:300]}",
                advice="Freeze the model again, with golden cases for inputs like this one.",
            ) from problem
        finally:
            watchdog().end(watch)
        if scores.shape != (len(fed), self._width):
            raise PackageRefused(
                f"The network's output has the shape {scores.shape}; it must be "
                f"{(len(fed), self._width)}."
            )
        return np.asarray(scores, dtype=np.float64)

    def _check_input(self, model: RowModel) -> bool:
        """Return whether the network takes one input at a time, which only pictures may do."""
        kind = ELEMENTS[model.element][0]
        wanted = [model.width] if isinstance(model, Model) else list(model.shape)
        found = [(one.name, one.type, list(one.shape)) for one in self._session.get_inputs()]
        if len(found) == 1 and found[0][:2] == (model.input, kind) and found[0][2][1:] == wanted:
            batch = found[0][2][0]
            if not isinstance(batch, int):
                return False
            if batch == 1 and not isinstance(model, Model):
                return True
        sides = " × ".join(map(str, wanted))
        what = f"any number of rows and {sides} columns"
        if not isinstance(model, Model):
            what = f"any number of pictures, or one, of {sides} (channels × rows × columns)"
        raise PackageDamaged(
            f"The network's inputs are {str(found)[:300]}; the manifest declares one, "
            f"{model.input!r}, {kind}, with {what}."
        )

    def _check_outputs(self) -> None:
        outputs = {one.name: one for one in self._session.get_outputs()}
        for one in outputs.values():
            if not one.type.startswith("tensor("):
                raise PackageDamaged(
                    f"The network's output {one.name!r} is {one.type}, not a tensor.",
                    advice="Convert the classifier without ZipMap.",
                )
        if self._output not in outputs:
            raise PackageDamaged(
                f"The network has no output {self._output!r}; it has {sorted(outputs)[:5]}."
            )
        kind, shape = outputs[self._output].type, list(outputs[self._output].shape)
        columns = shape[1] if len(shape) == 2 else None
        if kind not in _SCORES or (isinstance(columns, int) and columns != self._width):
            raise PackageDamaged(
                f"The network's output {self._output!r} is {kind} with the shape {shape}; it must "
                f"be a floating-point tensor with {self._width} columns."
            )
