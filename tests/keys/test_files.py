from __future__ import annotations

import os
from pathlib import Path

import pytest

from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.files import MAX_KEY_BYTES, read_secret, write_secret


def test_a_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    write_secret(tmp_path / "k", b"secret")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert read_secret(tmp_path / "k") == b"secret"


def test_a_secret_is_never_overwritten(tmp_path: Path) -> None:
    write_secret(tmp_path / "k", b"secret")
    with pytest.raises(Conflict, match="exists already"):
        write_secret(tmp_path / "k", b"other")
    assert read_secret(tmp_path / "k") == b"secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_may_read_is_refused_with_advice(tmp_path: Path, mode: int) -> None:
    write_secret(tmp_path / "k", b"secret")
    (tmp_path / "k").chmod(mode)
    with pytest.raises(KeyUnavailable, match=rf"mode {mode:04o}\). chmod 600"):
        read_secret(tmp_path / "k")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match=f"{tmp_path}/k cannot be read"):
        read_secret(tmp_path / "k")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="cannot be written"):
        write_secret(tmp_path / "nowhere" / "k", b"secret")


def test_what_is_too_large_is_no_key(tmp_path: Path) -> None:
    write_secret(tmp_path / "k", b"x" * (MAX_KEY_BYTES + 1))
    with pytest.raises(KeyUnavailable, match="is not a key"):
        read_secret(tmp_path / "k")


def test_a_secret_that_could_not_be_written_does_not_block_the_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyUnavailable, match="cannot be written: No space"):
        write_secret(tmp_path / "k", b"secret")
    monkeypatch.undo()
    write_secret(tmp_path / "k", b"secret")
    assert read_secret(tmp_path / "k") == b"secret"
