from __future__ import annotations

from pathlib import Path

import pytest

from bedside.keys.signing import SigningKey
from bedside.package.package import open_package
from bedside.package.shipped import known
from tests.volume_packages import volume_package
from tools import shipped


def test_the_source_names_what_is_put_there_and_keeps_the_others() -> None:
    source = Path(known.__file__).read_text(encoding="utf-8")
    entries = [("a-model", "1.0.0", "ed25519:0"), ("other", "2.1.0", "ed25519:1")]
    written = shipped.rewritten(source, entries)
    names: dict[str, object] = {}
    exec(written, names)  # noqa: S102 - our own source, from two lines above
    assert names["KNOWN"] == tuple(entries)
    assert shipped.rewritten(written, list(known.KNOWN)) == source


def test_a_package_its_key_and_its_fingerprint_are_put_in_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "known.py"
    source.write_text(Path(known.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(shipped, "HERE", tmp_path)
    monkeypatch.setattr(shipped, "SOURCE", source)
    (tmp_path / "drawn-head-0.9.0.bedside").touch()
    key = SigningKey.new()
    archive = volume_package(key)
    made = shipped.place(archive, open_package(archive), key.public)
    assert made.package().manifest.ref == "drawn-head@1.0.0"
    assert f'"{key.public.fingerprint}"' in source.read_text(encoding="utf-8")
    assert not (tmp_path / "drawn-head-0.9.0.bedside").exists()


def test_a_package_too_large_for_the_wheel_is_not_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "HERE", tmp_path)
    monkeypatch.setattr(shipped, "MOST_BYTES", 1_000)
    key = SigningKey.new()
    archive = volume_package(key)
    with pytest.raises(SystemExit, match="the wheel takes"):
        shipped.place(archive, open_package(archive), key.public)
    assert not any(tmp_path.iterdir())
