from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.ledger.encoding import from_base64, to_base64


@given(st.binary(max_size=100))
def test_what_is_written_is_read_back(data: bytes) -> None:
    assert from_base64(to_base64(data)) == data


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==\n", "Q Q==", "QQ-_", "é===", "QQ==="])
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        from_base64(text)
