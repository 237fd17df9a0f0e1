"""One picture after another: gate, declared operations, network, answers; a heat map if asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import InputRefused, LimitExceeded, PackageDamaged, UsageError
from bedside.imaging.heat import overlay
from bedside.package.explanation import Explanation, Occlusion
from bedside.package.image_operations import Windowing
from bedside.package.images import ImageInput
from bedside.package.outputs import Output
from bedside.package.preprocessing import AnyOperation, image_operations
from bedside.runtime.at_once import PICTURES_AT_ONCE
from bedside.runtime.explain.occlusion import covering, occlusion
from bedside.runtime.explain.scales import explained_name
from bedside.runtime.explained import PictureExplained
from bedside.runtime.gate import Refusals
from bedside.runtime.image_gate import Film, ImageGate
from bedside.runtime.image_preprocess import ImagePreprocess, Prepared
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.postprocess import Answer, Postprocess
from bedside.runtime.table import Matrix


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """One picture that passed the gate; the film is kept only where it will be shown."""

    prepared: Prepared
    film: Film


class ImagePath:
    """The path of a picture; safe to use from several threads."""

    __slots__ = (
        "_explanation",
        "_gate",
        "_operations",
        "_output",
        "_postprocess",
        "_preprocess",
        "_session",
    )

    def __init__(
        self,
        declared: ImageInput,
        operations: Sequence[AnyOperation],
        session: Callable[[NDArray[np.float32]], Matrix],
        output: Output,
        explanation: Explanation | None,
    ) -> None:
        """Compile the path.

        Args:
            declared: The domain.
            operations: What is done before the scores; a window first.
            session: Pictures × channels × rows × columns to scores, pictures × width.
            output: What the scores mean.
            explanation: How an answer is explained; None where it is not.

        Raises:
            PackageDamaged: operations or explanation are not for pictures, or do not fit together.
        """
        if explanation is not None and not isinstance(explanation, Occlusion):
            raise PackageDamaged(f"The explanation {explanation.kind!r} is not one of a picture.")
        first, *others = image_operations(operations)
        if not isinstance(first, Windowing):
            raise PackageDamaged(f"The operation {first.op!r} at place 0 is no window.")
        self._explanation, self._output, self._operations = explanation, output, others
        self._gate = ImageGate(declared, first)
        self._preprocess = ImagePreprocess(others)
        self._session = session
        self._postprocess = Postprocess(output)

    def answer(self, rows: Sequence[Json], going_on: GoingOn = always) -> tuple[Answer, ...]:
        """Return one answer for each row."""
        return self._answers(self._ready(rows, going_on, keep=False))

    def explained(self, rows: Sequence[Json], going_on: GoingOn = always) -> tuple[Answer, ...]:
        """Return one answer for each row, with a heat map of what spoke for it.

        Of several, each is read once more when its turn comes, so that one picture's pixels at a
        time are held; reading is a small part of what a heat map takes.
        """
        if len(rows) == 1:
            ready = self._ready(rows, going_on, keep=True)
            return tuple(
                replace(answer, explanation=self._why(ready[0], answer, going_on))
                for answer in self._answers(ready)
            )
        answers = self.answer(rows, going_on)
        explained = []
        for row, answer in zip(rows, answers, strict=True):
            (one,) = self._ready([row], going_on, keep=True)
            explained.append(replace(answer, explanation=self._why(one, answer, going_on)))
        return tuple(explained)

    def _ready(self, rows: Sequence[Json], going_on: GoingOn, *, keep: bool) -> list[_Ready]:
        """Return what the network gets of each row, the pixels kept only on demand.

        Raises:
            InputRefused: with every reason of every row.
        """
        if not rows:
            raise UsageError("There is no picture.", advice="Send at least one.")
        if len(rows) > PICTURES_AT_ONCE:
            raise LimitExceeded(
                f"{len(rows)} pictures at once; at most {PICTURES_AT_ONCE}.",
                advice="Send them in several requests.",
            )
        refusals, ready = Refusals(), list[_Ready]()
        for position, row in enumerate(rows):
            going_on()
            film = self._gate.check(row, position, refusals)
            if film is None or refusals.full:
                continue
            prepared = self._preprocess(film.unit)
            ready.append(_Ready(prepared, film if keep else film.without_pixels()))
        if refusals.found:
            raise InputRefused(tuple(refusals.found))
        return ready

    def _answers(self, ready: Sequence[_Ready]) -> tuple[Answer, ...]:
        scores = self._scores([one.prepared.tensor for one in ready])
        return tuple(
            replace(answer, flags=one.film.flags, picture=one.film.facts)
            for answer, one in zip(self._postprocess(scores), ready, strict=True)
        )

    def _scores(self, tensors: Sequence[NDArray[np.float32]]) -> Matrix:
        """Return the scores of pictures; those of several sizes, which a library takes, one by one."""
        if len({one.shape for one in tensors}) == 1:
            return self._session(np.stack(tensors))
        return np.concatenate([self._session(one[np.newaxis]) for one in tensors])

    def _why(self, ready: _Ready, answer: Answer, going_on: GoingOn) -> PictureExplained:
        assert self._explanation is not None  # noqa: S101 - the pipeline asks first
        of = explained_name(self._output, answer)

        def scores(tensors: NDArray[np.float32]) -> NDArray[np.float64]:
            going_on()
            answers = self._postprocess(self._session(tensors))
            return np.array([one.scores[of] for one in answers])

        tensor = ready.prepared.tensor
        cover = covering(self._explanation, tensor, self._operations)
        found = occlusion(self._explanation, tensor, cover, scores)
        placement = ready.prepared.placement
        return PictureExplained(
            grid=found.grid,
            png=overlay(ready.film.unit, found.grid, placement),
            base=found.base,
            scale=self._explanation.scale,
            of=of,
            passes=found.passes,
        )
