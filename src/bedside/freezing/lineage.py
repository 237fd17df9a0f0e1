"""What freezing itself knows of a model's origin: algorithm, parameters, libraries, differences."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

import bedside
from bedside.canonical import Json
from bedside.clock import system_clock, timestamp
from bedside.errors import UsageError
from bedside.freezing.authors_words import Origin
from bedside.freezing.comparison import Comparison
from bedside.package.manifest import Difference, Lineage


class Described(Protocol):
    """What a source tells of itself, whatever it freezes; `sources.source.Source` says each."""

    @property
    def algorithm(self) -> str: ...  # noqa: D102 - described there

    @property
    def parameters(self) -> Mapping[str, Json]: ...  # noqa: D102

    @property
    def libraries(self) -> Mapping[str, str]: ...  # noqa: D102


def make_lineage(
    origin: Origin,
    source: Described,
    comparison: Comparison,
    moment: datetime,
    *,
    real_rows: bool = False,
) -> Lineage:
    """Return the lineage: the author's answers, and what was read from the model itself.

    Args:
        origin: What the author states.
        source: The model.
        comparison: Native against frozen.
        moment: When it was frozen.
        real_rows: Whether golden cases hold rows of the data.
    """
    return Lineage(
        trained_by=origin.trained_by,
        trained_at=origin.trained_at,
        frozen_at=timestamp(moment),
        frozen_with=f"bedside {bedside.__version__}",
        code=origin.code,
        algorithm=source.algorithm,
        parameters={**source.parameters, **plain(origin.parameters)},
        seed=origin.seed,
        data=origin.data,
        split=origin.split,
        environment=dict(source.libraries),
        run_record=origin.run_record,
        parent=origin.parent,
        difference=Difference(
            rows=comparison.rows, largest=comparison.largest, tolerance=comparison.tolerance
        ),
        golden_from_real_rows=real_rows,
    )


def moment_of_freezing(frozen_at: datetime | None) -> datetime:
    """Return `frozen_at`, else the time in SOURCE_DATE_EPOCH, else now.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is not a whole number of seconds.

    Source: reproducible-builds.org, SOURCE_DATE_EPOCH specification.
    """
    if frozen_at is not None:
        return frozen_at
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return system_clock()
    if not epoch.isascii() or not epoch.isdigit():
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {epoch!r}.", advice="Set it to whole seconds since 1970."
        )
    return datetime.fromtimestamp(int(epoch), UTC)


def public_name(kind: type) -> str:
    """Return a class as people import it, such as `sklearn.linear_model.LogisticRegression`."""
    parts = [part for part in kind.__module__.split(".") if not part.startswith("_")]
    return ".".join([*parts, kind.__qualname__])


def plain(value: object) -> Json:
    """Return a parameter as JSON; what JSON cannot say is named by its class, never by address."""
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        # RFC 8785 writes a whole float without a point, and readers keep whole numbers to 2**53
        kept = math.isfinite(value) and (abs(value) < 2**53 or value % 1 != 0)
        return value if kept else str(value)
    if callable(parameters := getattr(value, "get_params", None)) and not isinstance(value, type):
        return {public_name(type(value)): plain(parameters(deep=False))}
    return _plain_collection(value)


def _plain_collection(value: object) -> Json:
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return getattr(value, "__name__", public_name(type(value)))
