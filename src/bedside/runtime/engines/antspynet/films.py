"""Films through ANTsPyNet: one finding of those that it gives, as the scores of a binary answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.errors import PackageDamaged
from bedside.package.antspynet import AntspynetModel
from bedside.package.outputs import BinaryOutput, Output
from bedside.runtime.engines.antspynet.engine import AntspynetEngine
from bedside.runtime.engines.antspynet.functions import asked
from bedside.runtime.engines.engine import Engines
from bedside.runtime.table import Matrix


class FilmLibrary:
    """A function of ANTsPyNet that reads films, in the place of a network.

    Safe to use from several threads; its process starts at the first film.
    """

    def __init__(
        self, model: AntspynetModel, engines: Engines, output: Output, threads: int
    ) -> None:
        """Check what the manifest declares, and that its files are here.

        Args:
            model: What the manifest declares.
            engines: Where the weights lie, and which interpreter has the library.
            output: What the scores mean.
            threads: How many the networks may use.

        Raises:
            PackageDamaged: no such finding, or no binary output.
            ConditionsNotMet: no weights folder is named, or a file is missing from it.
        """
        self._engine = AntspynetEngine(model, engines, threads=threads)
        findings = asked(model.function, model.parameters).findings
        if model.finding not in findings or not isinstance(output, BinaryOutput):
            raise PackageDamaged(
                f"{model.function} finds {list(findings)}, one of which a binary output answers; the "
                f"manifest has {model.finding!r} and an output of the kind {output.kind!r}."
            )
        self._finding = findings.index(model.finding)
        self._positive = [one.label for one in output.classes].index(output.positive)

    def __call__(self, films: NDArray[np.float32]) -> Matrix:
        """Return scores, films × 2, in the order of the output's classes.

        Args:
            films: Films × 1 × rows × columns, values from 0 to 1.

        Raises:
            PackageRefused: the library fails, takes too long or too much memory.
        """
        found = [self._engine.findings(film[0])[self._finding] for film in films]
        scores = np.empty((len(films), 2), dtype=np.float64)
        scores[:, self._positive] = found
        scores[:, 1 - self._positive] = 1.0 - scores[:, self._positive]
        return scores

    def close(self) -> None:
        """End its process."""
        self._engine.close()
