"""What any model says of itself before it is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bedside.canonical import Json


class DescribedSource(Protocol):
    """A model that can be frozen, whatever it reads.

    Attributes:
        algorithm: Its kind and class, as the lineage names it.
        parameters: What it was made with, by name, for the lineage.
        libraries: Versions of the libraries that decide its answers.
        notes: What its author must be told.
    """

    @property
    def algorithm(self) -> str: ...  # noqa: D102 - described above

    @property
    def parameters(self) -> Mapping[str, Json]: ...  # noqa: D102

    @property
    def libraries(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
