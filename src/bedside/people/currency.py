"""The fence of people: whether what was known of them is still so, asked where it is recorded.

Each act on people or their keys advances it in its own transaction. Who signed somebody in and keeps
that for the next requests gives the fence's value along with what they record, so that nothing is
recorded, and nobody answered, by a role or a key that was taken away meanwhile (decision 10).
"""

from __future__ import annotations

from typing import Final

from bedside.ledger.events import Fence
from bedside.ledger.ledger import Ledger

PEOPLE_FENCE: Final = "people"
"""Name of the ledger's fence that is advanced by each change of people and of their keys."""


def people_fence(ledger: Ledger) -> Fence:
    """Return the fence of people as it stands now; read it before what it is to prove current."""
    with ledger.database.read() as connection:
        return Fence(PEOPLE_FENCE, ledger.fence(connection, PEOPLE_FENCE))
