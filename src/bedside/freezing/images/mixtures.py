"""Golden cases of a model that reads pictures: means of several pictures, none of them anyone's.

A mixture is a weighted mean of at least `CROWD` of the author's pictures, made as small as the
domain allows, with a smooth random shade over it. No picture has more than `HEAVIEST` of the
weight, so that nobody's film can be seen in it. Two mixtures with different labels are mixed in
turn, halving the way, until the line where the label changes is near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bedside.errors import FreezeRefused, InputRefused
from bedside.freezing.data import Frozen, GoldenRow
from bedside.freezing.golden import MIXED, REAL, Wish, gathered
from bedside.freezing.images.sizes import resized, smallest
from bedside.freezing.images.writing import PictureWriter, Pixels, quantised
from bedside.freezing.near import nearest_to_a_line, stable
from bedside.freezing.spec import GoldenOptions
from bedside.imaging.geometry import resize
from bedside.package.images import CROWD, Medium
from bedside.package.outputs import Output
from bedside.runtime.image_gate import Film
from bedside.runtime.postprocess import Answer

CASES = 8
"""Golden cases where the spec says no other number: each is a picture, and a package stays small."""

FILMS = 60
"""Pictures that are mixed; at 512 × 512 they take 60 MiB."""

MOST_MIXED = 8
HEAVIEST = 0.5

SEARCHED = 24
"""Mixtures of one kind among which two sides of a line are looked for."""

SHADES = (0.05, 0.2, 0.35)
"""How far a shade goes, of the whole range: hardly seen, seen, strong."""

TRIES = 6
"""Mixtures tried for each case that is wanted."""


def mixed_golden(
    films: Callable[[int], Sequence[Film]],
    writer: PictureWriter,
    frozen: Frozen,
    output: Output,
    options: GoldenOptions,
) -> tuple[GoldenRow, ...]:
    """Return golden cases with the answers of `frozen`.

    Args:
        films: Gives at most so many of the author's pictures.
        writer: Writes a picture as a client would send it.
        frozen: The frozen model's answers.
        output: What its scores mean.
        options: How many cases, with which seed; whether real pictures may be taken.

    Raises:
        FreezeRefused: too few pictures to mix, too few cases, or no mixture on one side of a
            line.
    """
    mixing = _Mixing(writer, frozen, options, _small(films(FILMS), writer))
    if len(mixing.units) < CROWD and not options.from_real_rows:
        raise FreezeRefused(
            f"{len(mixing.units)} of your pictures can be mixed into golden cases; at least "
            f"{CROWD} are needed, so that nobody can be recognised.",
            advice="Bring more pictures, or set golden.from_real_rows = true if real pictures may "
            "be in the package.",
        )
    wanted = options.cases or CASES
    wishes = chain(mixing.near(output), mixing.others(wanted))
    return gathered(wishes, frozen, output, options.tolerance, wanted)


def _small(films: Sequence[Film], writer: PictureWriter) -> list[NDArray[np.float32]]:
    size = smallest(writer.declared)
    return [resized(film.unit, *size) for film in films]


@dataclass(frozen=True, slots=True)
class _Mixing:
    """Pictures of one size, and what is made of them."""

    writer: PictureWriter
    frozen: Frozen
    options: GoldenOptions
    units: Sequence[NDArray[np.float32]]
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "random", np.random.default_rng(self.options.seed))

    def asked(self, made: Sequence[Pixels]) -> Sequence[Answer]:
        """Return the frozen answers to pictures."""
        return self.frozen([self.writer.row(pixels) for pixels in made])

    def admitted(self, made: Sequence[Pixels]) -> list[Pixels]:
        """Return those that the declared domain holds."""
        return [pixels for pixels in made if self._answer(pixels) is not None]

    def _answer(self, pixels: Pixels) -> Answer | None:
        try:
            return self.asked([pixels])[0]
        except InputRefused:
            return None

    def mixture(self, among: Sequence[int], shade: float) -> Pixels:
        """Return a mixture of pictures at the places `among`."""
        count = int(self.random.integers(CROWD, min(MOST_MIXED, len(among)) + 1))
        chosen = self.random.choice(among, count, replace=False)
        weights = self.random.dirichlet(np.ones(count))
        while weights.max() > HEAVIEST:
            weights = (weights + 1 / count) / 2
        mean = sum(
            w * self.units[i].astype(np.float64) for w, i in zip(weights, chosen, strict=True)
        )
        return quantised(np.asarray(mean) + self._shade(shade))

    def _shade(self, strength: float) -> NDArray[np.float32]:
        rows, columns = self.units[0].shape[:2]
        coarse = self.random.uniform(-strength, strength, (4, 4)).astype(np.float32)
        shade = resize(coarse, rows, columns, "bicubic")
        return shade if self.units[0].ndim == 2 else shade[:, :, np.newaxis]

    def near(self, output: Output) -> Iterator[Wish]:
        """Yield the cases that guard each line."""

        def usable(pixels: Pixels, answer: Answer) -> bool:
            return stable(answer, output, self.options.tolerance)

        found = nearest_to_a_line(self._pools(), self.asked, between, output, usable)
        try:
            for note, pixels in found:
                row = self.writer.row(pixels)
                yield note, row, row
        except FreezeRefused as problem:
            raise FreezeRefused(
                problem.message.replace("No row of the domain", "No mixture of your pictures"),
                advice="Move the threshold to where the model decides, bring pictures of both "
                "kinds, or set golden.from_real_rows = true if real pictures may be in the "
                "package.",
            ) from problem

    def _pools(self) -> Iterator[Sequence[Pixels]]:
        """Yield pictures among which two sides of a line are looked for."""
        everywhere = list(range(len(self.units)))
        kinds = []
        if len(everywhere) >= CROWD:
            yield self._pool(everywhere, SHADES[0])
            kinds = [places for places in self._by_label().values() if len(places) >= CROWD]
        for shade in SHADES:
            for places in kinds:
                yield self._pool(places, shade)
        if self.options.from_real_rows:
            yield self.admitted([quantised(unit) for unit in self.units])

    def _pool(self, places: Sequence[int], shade: float) -> list[Pixels]:
        return self.admitted([self.mixture(places, shade) for _ in range(SEARCHED)])

    def _by_label(self) -> dict[str | None, list[int]]:
        """Return the places of the pictures by the label that each gets by itself."""
        found: dict[str | None, list[int]] = {}
        for place, unit in enumerate(self.units):
            answer = self._answer(quantised(unit))
            if answer is not None:
                found.setdefault(answer.label, []).append(place)
        return found

    def others(self, wanted: int) -> Iterator[Wish]:
        """Yield the cases beside those, the most important first."""
        everywhere = list(range(len(self.units)))
        if len(everywhere) >= CROWD:
            yield from self._kinds(everywhere)
            for _ in range(wanted * TRIES):
                yield from self._wish(MIXED, self.mixture(everywhere, SHADES[0]))
        if self.options.from_real_rows:
            for unit in self.units:
                yield from self._wish(REAL, quantised(unit))

    def _kinds(self, everywhere: Sequence[int]) -> Iterator[Wish]:
        """Yield a mixture in each kind of file beside the usual one, and as a negative."""
        declared = self.writer.declared
        for medium in declared.media:
            if medium != self.writer.usual:
                pixels = self.mixture(everywhere, SHADES[0])
                yield from self._wish(f"a {medium} file", pixels, (medium, False))
        if "dicom" in declared.media and declared.pixels == "grey":
            pixels = self.mixture(everywhere, SHADES[0])
            yield from self._wish("a negative (MONOCHROME1)", pixels, ("dicom", True))

    def _wish(
        self, note: str, pixels: Pixels, kind: tuple[Medium, bool] | None = None
    ) -> Iterator[Wish]:
        medium, negative = kind or (None, False)
        row = self.writer.row(pixels, medium, negative=negative)
        try:
            self.frozen([row])
        except InputRefused:
            return
        yield note, row, row


def between(first: Pixels, second: Pixels, way: float) -> Pixels:
    """Return the picture at a part of the `way`, 0 to 1, from one to another."""
    mean = (1 - way) * first.astype(np.float64) + way * second.astype(np.float64)
    return quantised(mean / 255)
