"""A network that is trained step by step, and can be put down and taken up at any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from bedside.canonical import Json
from bedside.errors import BedsideError
from bedside.lab.training.optimising import (
    Average,
    Precise,
    chosen_device,
    make_optimiser,
    rate,
)
from bedside.lab.training.settings import Settings
from bedside.lab.training.state import (
    AVERAGE,
    WEIGHTS,
    Named,
    optimiser_state,
    part,
    restore_optimiser,
    restore_weights,
    weights_of,
)
from bedside.lab.training.task import Batch, Cases, Task

AHEAD: Final = 2
"""Batches that each worker prepares ahead."""


class Trainer:
    """A task at work.

    Attributes:
        step: How many steps were done.
        device: Where.
    """

    def __init__(self, task: Task, settings: Settings) -> None:
        """Make the network anew.

        Raises:
            UsageError: this machine has no such device or precision.
        """
        self._task = task
        self._settings = settings
        self.device = chosen_device(settings)
        self.step = 0
        torch.manual_seed(settings.seed)
        network = task.network().to(self.device)
        self._format = _format_of(network, settings)
        self._network = network.to(memory_format=self._format)  # type: ignore[call-overload]
        self._average = Average(self._network, settings.ema) if settings.ema else None
        self._optimiser = make_optimiser(self._network, settings)
        self._precise = Precise(settings, self.device)

    def batches(self) -> Iterator[Batch]:
        """Return all batches from the present step to the last, as they come."""
        settings = self._settings
        each = settings.batch * settings.accumulate
        numbers = range(self.step * each, settings.steps * each)
        return iter(_loader(self._task.training_cases(), numbers, settings))

    def advance(self, batches: Iterator[Batch]) -> tuple[float, float]:
        """Do one step; return its mean loss, and the norm of its gradient.

        Raises:
            BedsideError: the loss or the gradient is not finite, and no weight was changed; torch
                cannot do the step in equal bits; or a worker died.
        """
        with _in_words():
            return self._advance(batches)

    def _advance(self, batches: Iterator[Batch]) -> tuple[float, float]:
        settings, losses = self._settings, []
        torch.manual_seed(_seed(settings.seed, self.step))
        self._network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = rate(settings, self.step)
        self._optimiser.zero_grad(set_to_none=True)
        for place in range(settings.accumulate):
            number = (self.step * settings.accumulate + place) * settings.batch
            batch = self._task.on_device(self._moved(next(batches)), number)
            with self._precise.products():
                loss = self._task.loss(self._network, batch)
            losses.append(float(loss.detach()))
            if not np.isfinite(losses[-1]):
                raise self._broken(f"The loss is {losses[-1]}")
            self._precise.scaler.scale(loss / settings.accumulate).backward()  # type: ignore[no-untyped-call]
        norm = self._precise.clipped(self._optimiser, self._network.parameters(), settings.clip)
        if not self._precise.forgives(norm):
            raise self._broken(f"The gradient is {norm}")
        self._precise.step(self._optimiser)
        if self._average is not None:
            self._average.follow(self._network, self.step)
        self.step += 1
        return sum(losses) / len(losses), norm

    def _broken(self, what: str) -> BedsideError:
        return BedsideError(
            f"{what} at step {self.step}.",
            advice="Go on from the last checkpoint with --resume; if it comes again, begin anew "
            "with a smaller lr, or precision=float32.",
        )

    @torch.no_grad()
    def validate(
        self, cases: Cases, report: Callable[[int, int], None] = lambda case, of: None
    ) -> list[dict[str, float]]:
        """Return the metrics of every validation case, one after the other."""
        network = self._judged.eval()
        torch.manual_seed(self._settings.seed)
        found: list[dict[str, float]] = []
        for number in range(len(cases)):
            report(number, len(cases))
            batch = {name: one.unsqueeze(0) for name, one in cases[number].items()}
            with self._precise.products():
                found.append(dict(self._task.metrics(network, self._moved(batch))))
        return found

    def weights(self) -> Named:
        """Return a copy of the weights by which the network is judged, on the CPU."""
        return {
            name: one.detach().to("cpu", copy=True).contiguous()
            for name, one in weights_of(self._judged).items()
        }

    def state(self) -> tuple[Named, dict[str, Json]]:
        """Return all that decides the steps to come."""
        tensors, numbers = optimiser_state(self._optimiser)
        tensors |= weights_of(self._network, WEIGHTS)
        if self._average is not None:
            tensors |= weights_of(self._average.network, AVERAGE)
        return tensors, {"optimiser": numbers, "scaler": self._precise.state()}

    def begin_with(self, weights: Named) -> None:
        """Take first weights from another run.

        Raises:
            UsageError: they are of another network.
        """
        restore_weights(self._network, weights)
        if self._average is not None:
            restore_weights(self._average.network, weights)

    def restore(self, step: int, tensors: Named, numbers: dict[str, Json]) -> None:
        """Take up what `state` told after `step` steps.

        Raises:
            UsageError: it is of another network.
        """
        restore_weights(self._network, part(tensors, WEIGHTS))
        if self._average is not None:
            restore_weights(self._average.network, part(tensors, AVERAGE))
        restore_optimiser(self._optimiser, tensors, numbers["optimiser"])
        self._precise.restore(numbers["scaler"])
        self.step = step

    @property
    def _judged(self) -> torch.nn.Module:
        return self._network if self._average is None else self._average.network

    def _moved(self, batch: Batch) -> Batch:
        wanted = {torch.channels_last: 4, torch.channels_last_3d: 5}.get(self._format)
        moved = {}
        for name, one in batch.items():
            there = one.to(self.device, non_blocking=True)
            moved[name] = (
                there.contiguous(memory_format=self._format) if there.ndim == wanted else there
            )
        return moved


@contextmanager
def _in_words() -> Iterator[None]:
    """Say in words what torch says of algorithms without equal bits, and of workers that died.

    Raises:
        BedsideError: in place of torch's RuntimeError.
    """
    try:
        yield
    except RuntimeError as problem:
        told = str(problem)
        if "deterministic" in told:
            raise BedsideError(
                f"This step cannot be done in equal bits here: {told.partition('. ')[0]}.",
                advice="Begin the run anew with deterministic=false, or on the CPU.",
            ) from problem
        if "DataLoader worker" in told:
            raise BedsideError(
                f"A process that prepares cases has died: {told.partition('. ')[0]}.",
                advice="It may have had too little memory: go on with --resume and fewer workers.",
            ) from problem
        raise


def _loader(cases: Cases, numbers: Sequence[int], settings: Settings) -> DataLoader[Batch]:
    workers = settings.workers
    return DataLoader(
        cast("Dataset[Batch]", cases),  # all that is asked of one is __getitem__
        batch_size=settings.batch,
        sampler=numbers,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,  # a fork would copy torch's threads
        prefetch_factor=AHEAD if workers else None,
    )


def _seed(*numbers: int) -> int:
    """Return a seed for torch that follows from these numbers, and from no other ones."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _format_of(network: torch.nn.Module, settings: Settings) -> torch.memory_format:
    if not settings.channels_last:
        return torch.contiguous_format
    axes = max((one.ndim for one in network.parameters()), default=0)
    return {4: torch.channels_last, 5: torch.channels_last_3d}.get(axes, torch.contiguous_format)
