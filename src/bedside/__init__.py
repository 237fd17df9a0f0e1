"""Bedside takes a medical AI model from the laboratory to the bedside, and keeps it safe there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedside.freezing.freeze import FrozenModel, freeze
    from bedside.freezing.isolated import freeze_file
    from bedside.freezing.model_file import ModelFile
    from bedside.freezing.spec import Spec, make_spec, read_spec

__version__ = "0.1.0"

__all__ = [
    "FrozenModel",
    "ModelFile",
    "Spec",
    "__version__",
    "freeze",
    "freeze_file",
    "make_spec",
    "read_spec",
]


def __getattr__(name: str) -> object:
    """Return a name of the laboratory's face, imported when first asked for (PEP 562).

    A serving process imports `bedside` and never pays for scikit-learn.
    """
    homes = {
        "FrozenModel": "bedside.freezing.freeze",
        "ModelFile": "bedside.freezing.model_file",
        "Spec": "bedside.freezing.spec",
        "freeze": "bedside.freezing.freeze",
        "freeze_file": "bedside.freezing.isolated",
        "make_spec": "bedside.freezing.spec",
        "read_spec": "bedside.freezing.spec",
    }
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(homes[name]), name)
