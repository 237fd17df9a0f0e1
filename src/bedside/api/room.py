"""How many bytes of pictures one process holds at once: memory has an end that is known before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bedside.errors import Unavailable

BODIES_AT_ONCE: Final = 4
"""Bodies of the largest size that are held at once; of smaller ones as many as fit in their place."""


class PictureRoom:
    """Admits bodies as long as their bytes fit; used on one event loop, so it needs no lock."""

    def __init__(self, capacity: int) -> None:
        """Begin with room for `capacity` bytes."""
        self._free = capacity

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Hold room for `size` bytes.

        Raises:
            Unavailable: other pictures fill it now.
        """
        if size > self._free:
            raise Unavailable(
                "As many pictures as fit into memory are being read and judged.",
                advice="Send the request again in a second.",
            )
        self._free -= size
        try:
            yield
        finally:
            self._free += size
