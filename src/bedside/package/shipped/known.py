"""Which packages come with this version of Bedside, and the one key that signed each.

Written by `tools.ship_brain`. Each key signed one package and was thrown away.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "brain-extraction",
        "1.0.0",
        "ed25519:a9feb37ac102e1f0be90cdce2644821d83dae5d7426d2c1cea94714f95c69695",
    ),
)
"""Name, version, fingerprint of the signing key."""
