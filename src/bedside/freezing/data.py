"""What freezing asks of an author's data, whether it is a table or a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bedside.freezing.domain import Group
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import ComparisonOptions, GoldenOptions
from bedside.package.fields import TabularInput
from bedside.package.golden import GoldenCase
from bedside.package.images import ImageInput
from bedside.package.outputs import Output
from bedside.runtime.postprocess import Answer

Frozen: TypeAlias = Callable[[Sequence[RawRow]], Sequence[Answer]]
"""The frozen model's answers to raw rows."""


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """A golden case, and its input with every number in the field's own unit."""

    case: GoldenCase
    row: RawRow


class AuthorData(Protocol):
    """An author's own rows, and the domain that is declared for them.

    Attributes:
        declared: The input domain, as the manifest will say it.
        libraries: Versions of the libraries that read it.
        notes: What the author must be told of the data.
    """

    @property
    def declared(self) -> TabularInput | ImageInput: ...  # noqa: D102 - described above

    @property
    def libraries(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102

    def some(self, most: int) -> Sequence[RawRow]:
        """Return at most `most` of the author's own rows, evenly spaced."""

    def refuse_outside(self) -> None:
        """Refuse a declared domain that does not hold the author's own rows.

        Raises:
            FreezeRefused: says what lies outside, how often, and what to do.
        """

    def groups(self, options: ComparisonOptions) -> tuple[Group, ...]:
        """Return what native and frozen must agree on, the author's own rows first."""

    def golden(
        self, frozen: Frozen, output: Output, options: GoldenOptions
    ) -> tuple[GoldenRow, ...]:
        """Return golden cases with the answers of `frozen`.

        Raises:
            FreezeRefused: too few can be made that are nobody's, or none on one side of a line.
        """
