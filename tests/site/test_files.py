"""What `Site.create` leaves on the disk, and what `Site.open` does not accept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import delete

from bedside.errors import LedgerBroken, SiteProblem
from bedside.keys.signing import PublicKey
from bedside.ledger.tables import ledger_checkpoints, ledger_entries, ledger_head
from bedside.site.site import Site


def test_the_settings_are_for_their_owner_only(tmp_path: Path) -> None:
    Site.create(tmp_path / "site", "Ward 7", "Ada Admin")[0].close()
    assert (tmp_path / "site" / "site.toml").stat().st_mode & 0o777 == 0o600


def test_every_file_of_a_new_site_is_durable_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()
    sync = os.fsync

    def spy(handle: int) -> None:
        synced.add(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    folder = tmp_path / "site"
    Site.create(folder, "Ward 7", "Ada Admin")[0].close()
    keys = folder / "keys"
    files = {keys / f"ledger.{end}" for end in ("key", "pub", "vkey")}
    assert files | {keys / "site.key", folder / "site.toml", folder, keys, tmp_path} <= synced


def test_a_witness_finds_its_line_beside_the_public_key(tmp_path: Path) -> None:
    site, _ = Site.create(tmp_path / "site", "Ward 7", "Ada Admin")
    keys = tmp_path / "site" / "keys"
    assert (keys / "ledger.vkey").read_text() == site.ledger.vkey + "\n"
    name, _, _ = site.ledger.vkey.split("+", 2)
    assert name == site.settings.origin
    assert PublicKey.load(keys / "ledger.pub") == site.ledger.public_key
    site.close()


def test_a_disk_that_is_full_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes, _mode: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bedside.site.files.write_new", full)
    with pytest.raises(SiteProblem, match=r"ledger\.pub cannot be written: No space left"):
        Site.create(tmp_path / "site", "Ward 7", "Ada Admin")


def test_a_site_whose_ledger_was_emptied_is_not_opened(tmp_path: Path) -> None:
    site, _ = Site.create(tmp_path / "site", "Ward 7", "Ada Admin")
    with site.database.write() as connection:
        for table in (ledger_entries, ledger_head, ledger_checkpoints):
            connection.execute(delete(table))
    site.close()
    with pytest.raises(LedgerBroken):
        Site.open(tmp_path / "site")


def test_a_site_whose_head_was_forged_is_not_opened(tmp_path: Path) -> None:
    site, _ = Site.create(tmp_path / "site", "Ward 7", "Ada Admin")
    site.close()
    site = Site.open(tmp_path / "site")
    with site.database.write() as connection:
        connection.execute(ledger_head.update().values(root=bytes(32)))
        connection.execute(delete(ledger_checkpoints))
    with pytest.raises(LedgerBroken, match="was signed"):
        site.close()
    with pytest.raises(LedgerBroken, match="was signed"):
        Site.open(tmp_path / "site")
