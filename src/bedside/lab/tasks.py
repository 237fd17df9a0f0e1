"""The tasks that this laboratory trains, by name. Each is found where it is made, when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from bedside.errors import UsageError
from bedside.lab.training.task import Kind

TASKS: Mapping[str, str] = MappingProxyType(
    {
        "brain-extraction": "bedside.lab.brain.task:KIND",
        "lesion-candidates": "bedside.lab.lesions.task:KIND",
    }
)
"""Where the `Kind` of each task stands."""


def kind_of(name: str) -> Kind[Any]:
    """Return the task of a name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    if name not in TASKS:
        raise UsageError(
            f"There is no task {name!r}.", advice=f"There are: {', '.join(sorted(TASKS))}."
        )
    module, _, attribute = TASKS[name].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, Kind):
        raise TypeError(f"{TASKS[name]} is no Kind")
    return found
