"""Fences: an event that was drafted in one state of the world is not recorded in another.

A fence is a counter. A release advances the counter of its model in the transaction that records
it; a prediction carries the value under which it was computed. So no prediction of the old
version can stand after the release of the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bedside.errors import Conflict
from bedside.ledger.events import Fence, Prepared


class FenceMoved(Conflict):
    """A counter is no longer what a draft's author believed.

    Attributes:
        fence: The counter's name.
        expected: What the author believed.
        found: What it is.
    """

    def __init__(self, fence: Fence, found: int) -> None:
        super().__init__(
            f"{fence.name} moved from {fence.value} to {found} meanwhile; nothing was recorded.",
            advice="Look again and repeat.",
        )
        self.fence = fence.name
        self.expected = fence.value
        self.found = found


def first_moved(drafts: Sequence[Prepared], values: Mapping[str, int]) -> FenceMoved | None:
    """Return the error for the first draft whose fence is not at the value it names, or None."""
    for prepared in drafts:
        for fence in prepared.draft.fences:
            if values[fence.name] != fence.value:
                return FenceMoved(fence, values[fence.name])
    return None
