"""Which packages come with this version of Bedside, and the one key that signed each.

Written by `tools.ship_brain`. Each key signed one package and was thrown away.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[tuple[tuple[str, str, str], ...]] = (
)
"""Name, version, fingerprint of the signing key."""
