"""What a child that analyses is started as, and told beside its files."""

from __future__ import annotations

from typing import Final

from bedside.canonical import Json
from bedside.runtime.engines.engine import Engines

CHILD: Final = "bedside.serving.analysis_child"
"""The module that it runs."""

PACKAGE: Final = "package"
"""Name of the first file that it is given."""


def engines_told(engines: Engines) -> dict[str, Json]:
    """Return what this machine has beside ONNX Runtime."""
    return {
        "weights": None if engines.weights is None else str(engines.weights),
        "python": None if engines.python is None else str(engines.python),
    }
