"""Whether long work goes on: asked between pictures, and between what the network is given at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

GoingOn: TypeAlias = Callable[[], None]
"""Returns while somebody waits for the answer, and raises where nobody does any more."""


def always() -> None:
    """Go on to the end."""
