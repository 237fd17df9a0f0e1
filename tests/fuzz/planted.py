"""A parser with a bug, to see that the fuzzer finds it."""

from __future__ import annotations

import tempfile

from tests.fuzz.target import Target


def read_planted(data: bytes) -> None:
    """Read anything but a zip whose third and fourth byte are one."""
    with tempfile.SpooledTemporaryFile() as file:
        file.write(data)
    if data.startswith(b"PK") and len(data) > 4 and data[2] == data[3]:
        raise ZeroDivisionError("planted")


PLANTED = Target(read_planted, (), lambda: [b"PK\x03\x04" + bytes(20)])
