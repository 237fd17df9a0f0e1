"""How many inputs are worked on at once; it bounds memory."""

from __future__ import annotations

from typing import Final

PICTURES_AT_ONCE: Final = 16
"""Most pictures of one request; each is read and prepared before the next one is looked at."""
