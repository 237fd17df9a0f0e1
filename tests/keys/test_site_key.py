from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.files import write_secret
from bedside.keys.site_key import FILE_NAME, VARIABLE, SiteKey


def test_a_new_key_is_loaded_again(tmp_path: Path) -> None:
    wrapped = SiteKey.create(tmp_path).wrap(b"secret", b"context")
    assert SiteKey.load(tmp_path).unwrap(wrapped, b"context") == b"secret"


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    SiteKey.create(tmp_path)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    (tmp_path / FILE_NAME).chmod(0o644)
    with pytest.raises(KeyUnavailable, match="Others may read"):
        SiteKey.load(tmp_path)


def test_a_site_key_is_never_replaced(tmp_path: Path) -> None:
    SiteKey.create(tmp_path)
    with pytest.raises(Conflict):
        SiteKey.create(tmp_path)


def test_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SiteKey.create(tmp_path)
    monkeypatch.setenv(VARIABLE, base64.b64encode(bytes(32)).decode())
    wrapped = SiteKey.load(tmp_path).wrap(b"secret", b"context")
    assert SiteKey(bytes(32)).unwrap(wrapped, b"context") == b"secret"


def test_another_context_or_another_site_opens_nothing(tmp_path: Path) -> None:
    key = SiteKey.create(tmp_path)
    wrapped = key.wrap(b"secret", b"context")
    with pytest.raises(KeyUnavailable):
        key.unwrap(wrapped, b"other")
    with pytest.raises(KeyUnavailable):
        SiteKey(bytes(32)).unwrap(wrapped, b"context")
    with pytest.raises(KeyUnavailable, match="not a sealed box"):
        key.unwrap(b"", b"context")


def test_what_is_no_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_secret(tmp_path / FILE_NAME, b"not base64!")
    with pytest.raises(KeyUnavailable, match="is not base64"):
        SiteKey.load(tmp_path)
    monkeypatch.setenv(VARIABLE, base64.b64encode(b"short").decode())
    with pytest.raises(KeyUnavailable, match="32 bytes, not 5"):
        SiteKey.load(tmp_path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match=r"site\.key cannot be read"):
        SiteKey.load(tmp_path)
