"""From raw rows to a network's input, by the runtime's own gate and declared operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import FreezeRefused, InputRefused, PackageDamaged, UsageError
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import Spec
from bedside.package.fields import CategoryField, TabularInput
from bedside.package.image_operations import Windowing, image_shape, told_shape
from bedside.package.images import ImageInput
from bedside.package.operations import SelectNumbers
from bedside.package.preprocessing import AnyOperation, image_operations, tabular_operations
from bedside.package.widths import block_widths
from bedside.runtime.gate import Gate, Refusals
from bedside.runtime.image_gate import ImageGate
from bedside.runtime.image_preprocess import ImagePreprocess
from bedside.runtime.preprocess import Preprocess

Feed: TypeAlias = Callable[[Sequence[RawRow]], NDArray[np.float64] | NDArray[np.float32]]
"""Raw rows in; inputs × columns, or inputs × channels × rows × columns, out."""


def declared_operations(spec: Spec) -> tuple[AnyOperation, ...]:
    """Return the operations before a network: as declared, else all number fields in order.

    Raises:
        UsageError: none are declared, and the input is a picture or has category fields.
    """
    if spec.preprocessing:
        return spec.preprocessing
    if spec.image is not None:
        raise UsageError(
            "The spec does not say what is done to a picture before the network sees it.",
            advice='List it in training\'s order: [[preprocessing]] op = "full_range", then '
            '"resize" with rows, columns and filter, then "normalise" with mean and deviation.',
        )
    if coded := [field.name for field in spec.fields if isinstance(field, CategoryField)]:
        raise UsageError(
            f"The spec does not say how the category field {coded[0]!r} becomes numbers.",
            advice='Declare it: [[preprocessing]] op = "one_hot" or "ordinal", and "concatenate" '
            "with the numbers.",
        )
    names = tuple(field.name for field in spec.fields)
    return (SelectNumbers(fields=names, output="numbers"),)


def network_shape(
    declared: TabularInput | ImageInput, operations: Sequence[AnyOperation]
) -> tuple[int, ...]:
    """Return the shape of one input: (columns,), or (channels, rows, columns).

    Raises:
        FreezeRefused: the operations do not fit together, or leave the picture's size open.
    """
    try:
        if isinstance(declared, TabularInput):
            return (list(block_widths(declared, tabular_operations(operations)).values())[-1],)
        channels, rows, columns = image_shape(declared.pixels, image_operations(operations))
    except PackageDamaged as problem:
        raise FreezeRefused(
            f"The declared preprocessing does not fit: {problem.message}",
            advice="Correct the operations in the spec.",
        ) from problem
    if rows is None or columns is None:
        raise FreezeRefused(
            f"The declared operations give {told_shape((channels, rows, columns))}: the size "
            "depends on the picture.",
            advice="End with `resize` or `crop_centre`, which give one size.",
        )
    return channels, rows, columns


def feed_for(declared: TabularInput | ImageInput, operations: Sequence[AnyOperation]) -> Feed:
    """Return what turns raw rows of the domain into a network's input.

    Raises:
        PackageDamaged: the operations do not fit together.
    """
    if isinstance(declared, TabularInput):
        gate, preprocess = Gate(declared), Preprocess(declared, tabular_operations(operations))
        return lambda rows: preprocess(gate.check(rows))
    first, *others = image_operations(operations)
    assert isinstance(first, Windowing)  # noqa: S101 - `network_shape` asked
    return _PictureFeed(ImageGate(declared, first), ImagePreprocess(others))


@dataclass(frozen=True, slots=True)
class _PictureFeed:
    """Pictures to tensors, float32."""

    gate: ImageGate
    preprocess: ImagePreprocess

    def __call__(self, rows: Sequence[RawRow]) -> NDArray[np.float32]:
        """Return inputs × channels × rows × columns.

        Raises:
            InputRefused: with every reason of every row.
        """
        refusals, made = Refusals(), []
        for position, row in enumerate(rows):
            film = self.gate.check(row, position, refusals)
            if film is not None:
                made.append(self.preprocess(film.unit).tensor)
        if refusals.found:
            raise InputRefused(tuple(refusals.found))
        return np.stack(made)
