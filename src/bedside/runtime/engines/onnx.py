"""A volume's network in ONNX Runtime, whole or window by window.

A run of a whole head takes minutes, so it stands in a thread of its own, while the caller's thread
tells that it is still at work and can stop it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from bedside.errors import PackageDamaged, PackageRefused
from bedside.package.manifest import Conditions
from bedside.package.volume_models import SlidingInference, VolumeModel, WholeInference
from bedside.package.volume_operations import Shape
from bedside.runtime.deadline import watchdog
from bedside.runtime.engines.engine import Prepared, Scores
from bedside.runtime.memory import asked_too_much, too_much_asked
from bedside.runtime.onnx_loading import ELEMENTS, ORT_ERRORS, loaded, too_slow
from bedside.runtime.progress import Progress, Report
from bedside.runtime.sliding import slid

RUN_SECONDS: Final = 1_800.0
"""Longest time for one run of a network: a whole head, or one window of it."""

TICK: Final = 0.5
"""Seconds after which a run that goes on is told again."""

_GIVE_BACK: Final = ("memory.enable_memory_arena_shrinkage", "cpu:0")
"""After a run the arena lets go of what is free, up to 2 GiB of a whole head.

Source: onnxruntime_run_options_config_keys.h.
"""

_VOLUME_AXES: Final = 5
"""Batch, channels, i, j, k."""

_NUMBER_SHAPE: Final = (1, 1)


class OnnxEngine:
    """A loaded network. Make it after a process has forked."""

    __slots__ = ("_channels", "_model", "_number", "_seconds", "_session")

    def __init__(
        self,
        network: bytes,
        model: VolumeModel,
        conditions: Conditions,
        channels: int | None,
        *,
        seconds: float = RUN_SECONDS,
    ) -> None:
        """Load `network`.

        Args:
            network: The bytes of the ONNX model.
            model: What the manifest declares of it.
            conditions: How it must be run.
            channels: Score channels that it gives; None where it gives one number.
            seconds: Longest time for one run.

        Raises:
            PackageDamaged: the network is not what the manifest declares, or does not load.
            PackageRefused: loading takes more memory or longer than it may.
        """
        self._model, self._number, self._channels = model, channels is None, channels or 1
        self._seconds = seconds
        self._session = loaded(network, model, conditions)
        self._check_input()
        self._check_output()

    def __call__(self, prepared: Prepared, report: Report) -> Scores:
        """Return channels × i × j × k, or one number."""
        inference = self._model.inference
        if isinstance(inference, SlidingInference):
            return slid(prepared.tensor, inference, self._channels, self._run, report)
        report(Progress("infer", 0, 1))
        scores = self._run(prepared.tensor, lambda: report(Progress("infer", 0, 1)))
        report(Progress("infer", 1, 1))
        return scores

    def close(self) -> None:
        """Nothing is held beyond this value's own life."""

    def _run(self, tensor: NDArray[np.float32], tick: Callable[[], None]) -> Scores:
        """Return the network's scores of one tensor, channels × i × j × k."""
        fed = np.ascontiguousarray(tensor[np.newaxis], dtype=ELEMENTS[self._model.element][1])
        options = ort.RunOptions()
        if isinstance(self._model.inference, WholeInference):
            options.add_run_config_entry(*_GIVE_BACK)
        stop = partial(setattr, options, "terminate", True)
        watch = watchdog().begin(stop, self._seconds)
        try:
            with ThreadPoolExecutor(1, "bedside-volume") as pool:
                names, given = [self._model.output], {self._model.input: fed}
                running = pool.submit(self._session.run, names, given, options)
                del fed, given
                _waited(running, tick, stop)
                (scores,) = running.result()
        except ORT_ERRORS as problem:
            if asked_too_much(problem):
                raise too_much_asked() from problem
            if watch.late:
                raise too_slow("run", self._seconds) from problem
            raise PackageRefused(
                f"The network failed on this volume: {str(problem)[:300]}",
                advice="Freeze the model again, with golden cases for volumes like this one.",
            ) from problem
        finally:
            watchdog().end(watch)
        return self._checked(np.asarray(scores, dtype=np.float32), tensor.shape[1:])

    def _checked(self, scores: NDArray[np.float32], sides: tuple[int, ...]) -> Scores:
        wanted = _NUMBER_SHAPE if self._number else (1, self._channels, *sides)
        if scores.shape != wanted:
            raise PackageRefused(
                f"The network's output has the shape {scores.shape}; it must be {wanted}."
            )
        low, high = float(scores.min()), float(scores.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise PackageRefused(
                f"The network gave scores from {low} to {high}; there is no answer to show.",
                advice="Narrow the declared domain, or mend the network.",
            )
        kept: Scores = scores[0]
        return kept

    def _check_input(self) -> None:
        model = self._model
        kind, sides = ELEMENTS[model.element][0], _declared_sides(model)
        wanted = [1, model.channels, *(sides or (None, None, None))]
        found = [(one.name, one.type, list(one.shape)) for one in self._session.get_inputs()]
        fits = len(found) == 1 and found[0][:2] == (model.input, kind)
        fits = fits and len(found[0][2]) == _VOLUME_AXES
        if not fits or not all(map(_may_be, found[0][2], wanted)):
            told = " × ".join("any" if one is None else str(one) for one in wanted)
            raise PackageDamaged(
                f"The network's inputs are {str(found)[:300]}; the manifest declares one, "
                f"{model.input!r}, {kind}, of {told} (batch × channels × i × j × k)."
            )

    def _check_output(self) -> None:
        outputs = {one.name: (one.type, list(one.shape)) for one in self._session.get_outputs()}
        if self._model.output not in outputs:
            raise PackageDamaged(
                f"The network has no output {self._model.output!r}; it has {sorted(outputs)[:5]}."
            )
        kind, shape = outputs[self._model.output]
        wanted = [1, 1] if self._number else [1, self._channels, None, None, None]
        fits = len(shape) in (0, len(wanted)) and all(map(_may_be, shape, wanted))
        if kind not in ("tensor(float)", "tensor(double)") or not fits:
            what = "1 × 1" if self._number else f"1 × {self._channels} × i × j × k"
            raise PackageDamaged(
                f"The network's output {self._model.output!r} is {kind} with the shape {shape}; it "
                f"must be a floating-point tensor of {what}."
            )


def _declared_sides(model: VolumeModel) -> Shape | None:
    inference = model.inference
    return inference.patch if isinstance(inference, SlidingInference) else inference.shape


def _may_be(found: object, wanted: int | None) -> bool:
    """Return whether a side of the graph may be `wanted`; one that is no number may be any."""
    return wanted is None or not isinstance(found, int) or found == wanted


def _waited(running: Future[object], tick: Callable[[], None], stop: Callable[[], None]) -> None:
    """Wait for a run, telling that it goes on; stop it where whoever is told raises, or Ctrl-C does."""
    try:
        while wait([running], TICK).not_done:
            tick()
    except BaseException:
        stop()
        wait([running])
        raise
