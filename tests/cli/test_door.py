from __future__ import annotations

from pathlib import Path

import pytest

from bedside.cli.door import api_key
from bedside.errors import KeyUnavailable, SignInRefused

SECRET = "bds_" + "A" * 43


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "my.key"
    path.touch(mode=0o600)
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEDSIDE_API_KEY", raising=False)


def test_the_key_comes_from_a_file(key_file: Path) -> None:
    assert api_key(key_file) == SECRET


def test_the_key_comes_from_the_environment_when_no_file_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BEDSIDE_API_KEY", SECRET)
    assert api_key(None) == SECRET


def test_a_file_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, key_file: Path
) -> None:
    monkeypatch.setenv("BEDSIDE_API_KEY", "bds_other")
    assert api_key(key_file) == SECRET


def test_without_a_key_both_ways_to_give_one_are_named() -> None:
    with pytest.raises(SignInRefused, match="no API key was given") as refused:
        api_key(None)
    assert "BEDSIDE_API_KEY" in refused.value.advice
    assert "--key-file" in refused.value.advice


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match=r"nothing\.key cannot be read"):
        api_key(tmp_path / "nothing.key")


def test_a_key_file_that_others_can_read_is_refused(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="mode 0640") as refused:
        api_key(key_file)
    assert "chmod 600" in refused.value.advice


@pytest.mark.parametrize("text", ["", "two words", "x" * 5000])
def test_a_file_that_holds_something_else_is_refused(key_file: Path, text: str) -> None:
    key_file.write_text(text)
    with pytest.raises(KeyUnavailable, match="does not hold one API key"):
        api_key(key_file)
