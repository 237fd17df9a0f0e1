"""How many bytes of pictures one process holds at once: memory has an end that is known before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from bedside.errors import Unavailable

BODIES_AT_ONCE: Final = 4
"""Bodies of the largest size that are held at once; of smaller ones as many as fit in their place."""

BODIES_OF_ONE: Final = 3
"""How many of them one person may hold: some room is always left for everybody else."""

Taking: TypeAlias = Callable[[int], None]
"""Takes room for so many bytes more."""


class PictureRoom:
    """Admits bytes as long as they fit; used on one event loop, so it needs no lock."""

    def __init__(self, capacity: int, share: int) -> None:
        """Begin with room for `capacity` bytes, at most `share` of them of one person."""
        self._free = capacity
        self._share = share
        self._held: Counter[str] = Counter()

    @contextmanager
    def place(self, person: str, expected: int = 0) -> Iterator[Taking]:
        """Give a function that takes room as bytes arrive; all of it is given back at the end.

        Args:
            person: Who sends.
            expected: Bytes that are announced. Room for them is looked for and not taken: whoever
                announces much and sends nothing keeps nobody out.

        Raises:
            Unavailable: there is no room for what is announced, or no more when it comes.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            self._check(person, size)
            self._free -= size
            self._held[person] += size
            taken += size

        self._check(person, expected)
        try:
            yield take
        finally:
            self._free += taken
            self._held[person] -= taken
            if not self._held[person]:
                del self._held[person]

    def _check(self, person: str, size: int) -> None:
        if size > self._free:
            raise Unavailable(
                "As many pictures as fit into memory are being read and judged.",
                advice="Send the request again in a second.",
            )
        if self._held[person] + size > self._share:
            raise Unavailable(
                "As many of your pictures as one caller may have here are being read and judged.",
                advice="Send the request again when one of them is answered.",
            )
