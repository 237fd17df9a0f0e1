"""CRC-32C (Castagnoli), by which Google Cloud KMS notices bytes that were damaged on their way.

Source: RFC 3720, appendix B.4; the reflected polynomial 0x82F63B78.
"""

from __future__ import annotations

from typing import Final

_POLYNOMIAL: Final = 0x82F63B78


def crc32c(data: bytes) -> int:
    """Return the checksum of a few bytes, 0 to 2**32 - 1."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value ^ 0xFFFFFFFF
