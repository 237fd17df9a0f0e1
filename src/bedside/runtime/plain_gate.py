"""The gate for plain rows: every field there, as a bare number in its range or a known code.

Almost every row that a system sends is plain, and all plain rows of a group are judged together. What
is not plain is not refused here: the gate itself (`runtime.gate`) looks at it, converts its units,
allows its gaps or says what is wrong. A row that is plain here passes the gate with the same table,
bit for bit; a property test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np

from bedside.canonical import Json
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.runtime.table import Table
from bedside.runtime.wording import MAX_WHOLE

_NUMBERS: Final = frozenset({int, float})
"""Exactly these types: true is no number, and neither is a text that looks like one."""


class PlainGate:
    """The declared domain, compiled for rows that are plain. Safe to use from several threads."""

    __slots__ = ("_codes", "_highest", "_lowest", "_numbers", "_whole", "_width")

    def __init__(self, declared: TabularInput) -> None:
        numbers = [field for field in declared.fields if isinstance(field, NumberField)]
        codes = [field for field in declared.fields if isinstance(field, CategoryField)]
        self._width = len(declared.fields)
        self._numbers = values_of([field.name for field in numbers])
        self._codes = tuple(
            (field.name, type(field.categories[0]), frozenset(field.categories)) for field in codes
        )
        # beyond ±(2**53 - 1) an integer may have no exact float: the gate decides there
        self._lowest = np.array([max(field.minimum, -MAX_WHOLE) for field in numbers])
        self._highest = np.array([min(field.maximum, MAX_WHOLE) for field in numbers])
        self._whole = np.flatnonzero([field.whole for field in numbers])

    def sift(self, rows: Sequence[Json]) -> tuple[list[int], Table]:
        """Return the places of the plain rows, and those rows as a table."""
        places: list[int] = []
        numbers: list[tuple[float, ...]] = []
        codes: list[list[Json]] = []
        for place, row in enumerate(rows):
            if type(row) is not dict or len(row) != self._width:
                continue
            try:
                values = self._numbers(row)
                known = [
                    row[name] for name, kind, among in self._codes if _known(row[name], kind, among)
                ]
            except KeyError:
                continue
            if _NUMBERS.issuperset(map(type, values)) and len(known) == len(self._codes):
                places.append(place)
                numbers.append(values)
                codes.append(known)
        return self._within(places, numbers, codes)

    def _within(
        self, places: list[int], numbers: list[tuple[float, ...]], codes: list[list[Json]]
    ) -> tuple[list[int], Table]:
        """Return what lies in the declared ranges."""
        try:
            matrix = np.array(numbers, dtype=np.float64).reshape(len(places), len(self._lowest))
        except OverflowError:  # an integer beyond every float: the others one by one
            return self._apart(places, numbers, codes)
        fits = ((matrix >= self._lowest) & (matrix <= self._highest)).all(axis=1)
        if len(self._whole):
            whole = matrix[:, self._whole]
            fits &= (whole == np.floor(whole)).all(axis=1)
        if fits.all():
            return places, Table(matrix, _columns(codes, len(self._codes)))
        kept = np.flatnonzero(fits).tolist()
        chosen = [codes[at] for at in kept]
        return [places[at] for at in kept], Table(matrix[kept], _columns(chosen, len(self._codes)))

    def _apart(
        self, places: list[int], numbers: list[tuple[float, ...]], codes: list[list[Json]]
    ) -> tuple[list[int], Table]:
        fine = [
            at
            for at, values in enumerate(numbers)
            if all(-MAX_WHOLE <= value <= MAX_WHOLE for value in values)
        ]
        return self._within(
            [places[at] for at in fine], [numbers[at] for at in fine], [codes[at] for at in fine]
        )


def values_of(names: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Return what picks the values of `names` out of a row, in their order; KeyError without one."""
    match names:
        case []:
            return lambda _: ()
        case [name]:
            return lambda row: (row[name],)
        case _:
            return itemgetter(*names)


def _known(value: Json, kind: type, among: frozenset[Any]) -> bool:
    return type(value) is kind and value in among


def _columns(rows: Sequence[Sequence[Any]], width: int) -> tuple[tuple[Any, ...], ...]:
    """Return rows of codes as columns; without a row, as many empty columns."""
    return tuple(zip(*rows, strict=True)) if rows else ((),) * width
