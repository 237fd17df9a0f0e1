"""Which packages come with this version of Bedside, and the one key that signed each.

Written by `tools.ship_brain`. Each key signed one package and was thrown away.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "brain-extraction",
        "1.0.0",
        "ed25519:2fc207803e290c2f9a63bda6fc7b6888914040d7ba546a322dbd03a8ed306b3a",
    ),
)
"""Name, version, fingerprint of the signing key."""
