"""A volume package in a process that serves: proved, known, and computed by processes apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bedside.canonical import Json
from bedside.package.manifest import Manifest
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.postprocess import Answer
from bedside.runtime.runner import GoldenReport
from bedside.runtime.tabular_path import PlainAnswers


class Apart:
    """Stands where a `Runner` stands for other packages, and answers no rows.

    Attributes:
        manifest: The package's manifest.
        digest: The digest that names the package.
        row_seconds: Nothing: no row is computed.
    """

    row_seconds: Final = 0.0

    def __init__(self, manifest: Manifest, digest: str, proved: GoldenReport) -> None:
        self.manifest = manifest
        self.digest = digest
        self._proved = proved

    def predict(
        self, rows: Sequence[Json], *, explain: bool = False, going_on: GoingOn = always
    ) -> tuple[Answer, ...]:
        """Refuse rows.

        Raises:
            UsageError: always.
        """
        raise self.manifest.no_rows()

    def plain(self, rows: Sequence[Json]) -> PlainAnswers:
        """Refuse rows.

        Raises:
            UsageError: always.
        """
        raise self.manifest.no_rows()

    def replay_golden(self) -> GoldenReport:
        """Return what the replay found without which this value would not be."""
        return self._proved

    def close(self) -> None:
        """Nothing is held."""
