from __future__ import annotations

import io
import struct
import tarfile
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.freezing.strangers.tar import BLOCK, begins_tar


def opens(block: bytes) -> bool:
    try:
        tarfile.open(fileobj=io.BytesIO(block), mode="r:").close()
    except (tarfile.TarError, ValueError):
        return False
    return any(block)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_of_python_is_one(form: Literal[0, 1, 2]) -> None:
    assert begins_tar(tarfile.TarInfo("storages").tobuf(form))


@given(st.binary(min_size=BLOCK, max_size=BLOCK), st.booleans(), st.sampled_from("oxb"))
def test_whatever_python_opens_is_one(block: bytes, signed: bool, how: str) -> None:
    made = bytearray(block)
    made[100:148] = b"0" * 48
    form = "148b8x356b" if signed else "148B8x356B"
    total = 256 + sum(struct.unpack(form, made))
    written = {"o": b"%06o\0 ", "x": b" %07o", "b": b""}[how]
    sign = b"\x80" if total >= 0 else b"\xff"
    binary = sign + (total % 256**7).to_bytes(7, "big")
    made[148:156] = written % total if written and 0 <= total < 8**6 else binary
    if opens(bytes(made)):
        assert begins_tar(bytes(made))
    assert begins_tar(bytes(made))


@pytest.mark.parametrize("data", [b"", b"\x80\x04N.", bytes(511), b"PK\x03\x04" + b"Z" * 600])
def test_other_files_are_none(data: bytes) -> None:
    assert not begins_tar(data)
