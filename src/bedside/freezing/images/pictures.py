"""An author's pictures as freezing uses them: gated, compared with variations, mixed into golden cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.data import Frozen, GoldenRow
from bedside.freezing.domain import Group
from bedside.freezing.frozen import PICTURES_AT_ONCE
from bedside.freezing.image_answers import ImageAnswers, LikenessAnswers
from bedside.freezing.images.mixtures import mixed_golden
from bedside.freezing.images.rows import LIST, PictureRows, picture_rows
from bedside.freezing.images.variations import variations
from bedside.freezing.images.writing import PictureWriter
from bedside.freezing.libraries import READING, versions
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import ComparisonOptions, GoldenOptions
from bedside.imaging.likeness import correlation, mean_thumbnail, thumbnail
from bedside.package.image_operations import Windowing
from bedside.package.images import CROWD, ImageInput, Likeness
from bedside.package.outputs import Output
from bedside.package.preprocessing import AnyOperation, image_operations
from bedside.runtime.gate import Refusals
from bedside.runtime.image_gate import Film, ImageGate

COMPARED = 200
"""Pictures of the author's that are compared where the spec says no other number."""

EXAMINED = 1_000
"""Pictures that are shown to the gate, and whose mean is kept as the likeness."""

MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class PictureData:
    """Pictures of one domain; an `AuthorData`.

    Attributes:
        rows: The author's pictures, at most `EXAMINED`.
        declared: The domain, its likeness measured.
        windowing: The declared window.
        notes: What the author must be told.
        refused: Reasons of the gate, with how many pictures have each and one of their names.
    """

    rows: PictureRows
    declared: ImageInput
    windowing: Windowing
    notes: tuple[str, ...]
    refused: Mapping[str, tuple[int, str]]

    @property
    def libraries(self) -> Mapping[str, str]:
        """What turns files into pixels."""
        return versions(READING, "lab")

    def some(self, most: int) -> Sequence[RawRow]:
        """Return at most `most` pictures, evenly spaced."""
        return self.rows.evenly(most)

    def refuse_outside(self) -> None:
        """Refuse a declared domain that does not hold the author's own pictures.

        Raises:
            FreezeRefused: names the reasons, how many pictures, and what to do.
        """
        if not self.refused:
            return
        worst = sorted(self.refused.items(), key=lambda item: (-item[1][0], item[0]))
        told = [
            f"{count} of {len(self.rows)} pictures ({name}): {reason}"
            for reason, (count, name) in worst[:MOST_TOLD]
        ]
        more = f"; and {len(worst) - MOST_TOLD} more reasons" if len(worst) > MOST_TOLD else ""
        unstated = any(": unstated:" in reason for reason in self.refused)
        advice = "Widen the declared domain, or take these pictures out."
        if any("image.likeness.minimum" in reason for reason in self.refused):
            advice = "Lower image.likeness.minimum, or take these pictures out."
        if unstated:
            advice = (
                f"Say it in a file {LIST} beside the pictures (file, modality, body_part, view), "
                'or declare unstated = "flag". ' + advice
            )
        raise FreezeRefused(
            f"Your own pictures lie outside the declared domain: {'; '.join(told)}{more}.",
            advice=advice,
        )

    def groups(self, options: ComparisonOptions) -> tuple[Group, ...]:
        """Return the pictures, and variations of some of them inside the domain."""
        own = self.rows.evenly(options.data_rows or COMPARED)
        names = tuple(entry.name for entry in own.entries)
        random = np.random.default_rng(options.seed)
        first = Group("your pictures", own, told=names, at_once=PICTURES_AT_ONCE)
        writer = PictureWriter(self.declared, self.windowing)
        return first, *variations(self._films(5), writer, random)

    def golden(
        self, frozen: Frozen, output: Output, options: GoldenOptions
    ) -> tuple[GoldenRow, ...]:
        """Return golden cases: mixtures of several pictures, which are nobody's."""
        writer = PictureWriter(self.declared, self.windowing)
        return mixed_golden(self._films, writer, frozen, output, options)

    def _films(self, most: int) -> tuple[Film, ...]:
        gate = ImageGate(self.declared, self.windowing)
        found = (gate.check(row, 0, Refusals()) for row in self.rows.evenly(most))
        return tuple(film for film in found if film is not None)


def picture_data(
    data: object, answers: ImageAnswers, operations: Sequence[AnyOperation]
) -> PictureData:
    """Return `data` as pictures of the declared domain, the likeness measured on them.

    Raises:
        NotFound: there is no such folder or file.
        UsageError: data of another kind, or no window is declared.
        FreezeRefused: no picture, or too few for a likeness.
    """
    windowing = image_operations(operations)[0] if operations else None
    if not isinstance(windowing, Windowing):
        raise UsageError(
            "The declared preprocessing does not begin with what makes values from 0 to 1.",
            advice='Begin with [[preprocessing]] op = "full_range", "header_window", '
            '"fixed_window" or "percentile_window".',
        )
    rows, notes = picture_rows(data)
    seen = _examine(rows.evenly(EXAMINED), answers, windowing)
    likeness = None
    if answers.likeness is not None and not seen.refused:  # else `refuse_outside` says why
        likeness = _likeness(answers.likeness, seen)
        notes += seen.judge(likeness)
    return PictureData(
        rows=seen.rows,
        declared=answers.declared(likeness),
        windowing=windowing,
        notes=notes,
        refused=seen.refused,
    )


@dataclass(slots=True)
class _Seen:
    """What the gate said of the author's pictures, before any likeness."""

    rows: PictureRows
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    thumbnails: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def refuse(self, reason: str, name: str) -> None:
        """Count one picture that is refused for `reason`."""
        count, first = self.refused.get(reason, (0, name))
        self.refused[reason] = count + 1, first

    def judge(self, likeness: Likeness) -> tuple[str, ...]:
        """Hold the pictures against their likeness; return what the author must be told."""
        reference = np.array(likeness.reference)
        near = {name: correlation(reference, one) for name, one in self.thumbnails.items()}
        far = {name: value for name, value in near.items() if value < likeness.minimum}
        if likeness.polarity == "by-likeness":
            far = {name: value for name, value in far.items() if -value < likeness.minimum}
        if not far:
            return ()
        smallest = min(far.values())
        told = (
            f"a likeness below image.likeness.minimum = {likeness.minimum:g}; the smallest "
            f"correlation is {smallest:.2f}"
        )
        if likeness.otherwise == "refuse":
            for name in far:
                self.refuse(told, name)
            return ()
        return (f"{len(far)} of {len(near)} of your own pictures have {told}: they are flagged.",)


def _examine(rows: PictureRows, answers: ImageAnswers, windowing: Windowing) -> _Seen:
    gate = ImageGate(answers.declared(None), windowing)
    seen = _Seen(rows)
    for entry in rows.entries:
        refusals = Refusals()
        film = gate.check(entry.row(), 0, refusals)
        if film is not None:
            unit = film.unit if film.unit.ndim == 2 else film.unit.mean(axis=2)
            seen.thumbnails[entry.name] = thumbnail(unit)
        for refusal in refusals.found:
            seen.refuse(str(refusal), entry.name)
    return seen


def _likeness(answers: LikenessAnswers, seen: _Seen) -> Likeness:
    """Return the declared likeness; its reference is the mean of the pictures where none is stated.

    Raises:
        FreezeRefused: too few pictures for a mean that may be kept.
    """
    if answers.reference is not None and answers.pictures is not None:
        return answers.declared(answers.reference, answers.pictures)
    if len(seen.thumbnails) < CROWD:
        raise FreezeRefused(
            f"The likeness is the mean of at least {CROWD} pictures of the declared domain; "
            f"{len(seen.thumbnails)} are here.",
            advice="Bring more pictures, or leave [image.likeness] out.",
        )
    mean = mean_thumbnail(list(seen.thumbnails.values()))
    return answers.declared(tuple(mean.tolist()), len(seen.thumbnails))
