"""Where a site's key is: chosen at the start, moved later, proved each time."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from bedside.errors import Conflict, KeyUnavailable, SiteProblem, UsageError
from bedside.keys.site_keys import passphrase
from bedside.keys.site_keys.passphrase import VARIABLE as PASSPHRASE
from bedside.keys.site_keys.plain import VARIABLE, PlainFile
from bedside.keys.site_keys.source import SourceKind
from bedside.ledger.events import EventKind
from bedside.site.key_settings import KeySettings, write_key_settings
from bedside.site.settings import Settings, read_settings
from bedside.site.site import Site
from bedside.site.unlocking import move, standing, unlock

WORDS = "five random words are enough"
BY_PASSPHRASE = KeySettings(source=SourceKind.PASSPHRASE)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "COST", {"n": 2**10, "p": 1, "r": 8})
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("BEDSIDE_DATABASE_URL", raising=False)


def made(folder: Path, keys: KeySettings | None = None) -> Settings:
    site, _ = Site.create(folder, "Ward 7", "Ada Admin", keys=keys)
    site.subject_keys.for_subject("patient-1")
    site.close()
    return read_settings(folder / "site.toml")


def keys_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "keys").glob("site.key*"))


def test_a_new_site_knows_its_key_by_a_fingerprint_that_the_ledger_tells(tmp_path: Path) -> None:
    settings = made(tmp_path / "site")
    assert settings.keys.fingerprint == unlock(tmp_path / "site", settings).fingerprint
    with Site.open(tmp_path / "site") as site:
        (opened,) = site.ledger.find(kind=EventKind.SITE_OPENED)
    told = opened.value["body"]["settings"]["keys"]
    assert told == {"source": "file", "key": "", "fingerprint": settings.keys.fingerprint}


def test_another_key_is_refused_at_opening(tmp_path: Path) -> None:
    settings = made(tmp_path / "site")
    path = tmp_path / "site" / "keys" / "site.key"
    path.write_bytes(base64.b64encode(bytes(32)))
    with pytest.raises(KeyUnavailable, match="is not this site's"):
        unlock(tmp_path / "site", settings)


def test_a_site_from_before_there_were_fingerprints_opens(tmp_path: Path) -> None:
    made(tmp_path / "site")
    path = tmp_path / "site" / "site.toml"
    path.write_text(path.read_text().split("\n# Where the site key")[0])
    assert "[keys]" not in path.read_text()
    Site.open(tmp_path / "site").close()


def test_a_site_begins_with_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, WORDS)
    made(tmp_path / "site", BY_PASSPHRASE)
    assert not (tmp_path / "site" / "keys" / "site.key").exists()
    Site.open(tmp_path / "site").close()
    monkeypatch.setenv(PASSPHRASE, "another five words than those")
    with pytest.raises(KeyUnavailable, match="does not open"):
        Site.open(tmp_path / "site")


class TestMoving:
    def test_clears_the_old_place_once_the_new_one_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        monkeypatch.setenv(PASSPHRASE, WORDS)
        moved = move(folder, settings, BY_PASSPHRASE)
        assert moved.fingerprint == settings.keys.fingerprint
        assert not (folder / "keys" / "site.key").exists()
        after = read_settings(folder / "site.toml")
        assert after.keys.source is SourceKind.PASSPHRASE
        with Site.open(folder) as site:
            assert site.subject_keys.known("patient-1")
        back = move(folder, after, KeySettings())
        assert "site.key" in back.after
        assert not (folder / "keys" / "site.key.sealed").exists()
        assert read_settings(folder / "site.toml").keys == settings.keys

    def test_changes_nothing_else_in_the_settings(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        path = folder / "site.toml"
        path.write_text(path.read_text().replace("rows = 1000", "rows = 10  # few"))
        path.write_text(path.read_text() + '\n[proxy]\ntrusted = ["10.0.0.0/8"]\n')
        monkeypatch.setenv(PASSPHRASE, WORDS)
        move(folder, settings, BY_PASSPHRASE)
        text = path.read_text()
        assert "rows = 10  # few" in text
        assert 'trusted = ["10.0.0.0/8"]' in text
        assert text.count("[keys]") == 1
        assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("cut", ["site.toml", "site.key"])
    def test_that_is_cut_off_leaves_a_site_that_opens(
        self, tmp_path: Path, cut: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        monkeypatch.setenv(PASSPHRASE, WORDS)

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            if cut == "site.toml":
                patch.setattr("bedside.site.unlocking.write_key_settings", dies)
            else:
                patch.setattr(PlainFile, "destroy", dies)
            with pytest.raises(KeyboardInterrupt):
                move(folder, settings, BY_PASSPHRASE)
        Site.open(folder).close()
        found = standing(folder, read_settings(folder / "site.toml"))
        left = "site.key.sealed" if cut == "site.toml" else "site.key"
        assert [path.name for path in found.left_over] == [left]
        move(folder, read_settings(folder / "site.toml"), BY_PASSPHRASE)  # and can be repeated
        assert keys_in(folder) == ["site.key.sealed"]
        Site.open(folder).close()

    def test_again_clears_what_was_kept_of_this_key_and_no_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        monkeypatch.setenv(PASSPHRASE, WORDS)
        move(folder, settings, BY_PASSPHRASE, keep_old=True)
        after = read_settings(folder / "site.toml")
        with pytest.raises(UsageError, match="already"):
            move(folder, after, BY_PASSPHRASE, keep_old=True)
        path = folder / "keys" / "site.key"
        text = path.read_bytes()
        path.write_bytes(base64.b64encode(bytes(32)))  # that of another site
        with pytest.raises(UsageError, match="already"):
            move(folder, after, BY_PASSPHRASE)
        path.write_bytes(text)
        assert move(folder, after, BY_PASSPHRASE).before == str(path)
        assert keys_in(folder) == ["site.key.sealed"]

    def test_back_to_the_file_clears_what_is_sealed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        monkeypatch.setenv(PASSPHRASE, WORDS)
        move(folder, settings, BY_PASSPHRASE)
        sealed = read_settings(folder / "site.toml")
        move(folder, sealed, KeySettings(), keep_old=True)
        plain = read_settings(folder / "site.toml")
        path = folder / "keys" / "site.key.sealed"
        text = path.read_text()
        path.write_text(text.replace(settings.id, "another"))
        with pytest.raises(UsageError, match="already"):
            move(folder, plain, KeySettings())
        path.write_text(text)
        monkeypatch.delenv(PASSPHRASE)  # nobody needs it any more
        move(folder, plain, KeySettings())
        assert keys_in(folder) == ["site.key"]
        Site.open(folder).close()

    def test_from_the_environment_to_a_file_makes_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        monkeypatch.setenv(VARIABLE, (folder / "keys" / "site.key").read_text().strip())
        move(folder, settings, KeySettings(source=SourceKind.ENVIRONMENT))
        assert keys_in(folder) == []
        moved = move(folder, read_settings(folder / "site.toml"), KeySettings())
        assert VARIABLE in moved.left_to_do
        assert keys_in(folder) == ["site.key"]
        monkeypatch.delenv(VARIABLE)
        Site.open(folder).close()

    def test_that_cannot_prove_itself_changes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        before = (folder / "site.toml").read_text()
        with pytest.raises(KeyUnavailable, match="none was given"):
            move(folder, settings, BY_PASSPHRASE)
        monkeypatch.setenv(PASSPHRASE, WORDS)
        with pytest.raises(UsageError, match="already"):
            move(folder, settings, KeySettings())
        assert (folder / "site.toml").read_text() == before
        Site.open(folder).close()

    def test_to_the_environment_needs_the_same_key_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "site"
        settings = made(folder)
        text = (folder / "keys" / "site.key").read_text().strip()
        wanted = KeySettings(source=SourceKind.ENVIRONMENT)
        with pytest.raises(KeyUnavailable, match="not set"):
            move(folder, settings, wanted)
        monkeypatch.setenv(VARIABLE, base64.b64encode(bytes(32)).decode())
        with pytest.raises((Conflict, KeyUnavailable, UsageError)):
            move(folder, settings, wanted)
        monkeypatch.setenv(VARIABLE, text)
        left = move(folder, settings, wanted).left_to_do
        assert left == ""
        assert not (folder / "keys" / "site.key").exists()
        Site.open(folder).close()
        monkeypatch.delenv(VARIABLE)
        with pytest.raises(KeyUnavailable, match="not set"):
            Site.open(folder)


def test_settings_that_a_program_cannot_change_are_left_alone(tmp_path: Path) -> None:
    made(tmp_path / "site")
    path = tmp_path / "site" / "site.toml"
    text = path.read_text().split("\n# Where the site key")[0]
    path.write_text('keys = { source = "file" }\n' + text)
    before = path.read_text()
    with pytest.raises(SiteProblem, match="in a way that this program does not change"):
        write_key_settings(path, KeySettings(source=SourceKind.ENVIRONMENT))
    assert path.read_text() == before


@pytest.mark.enable_socket
@pytest.mark.loopback
def test_a_site_lives_on_a_key_service_and_moves_to_another_key_of_it(tmp_path: Path) -> None:
    from tests.keys.site_keys.google_peer import NAME, google_peer  # noqa: PLC0415

    with google_peer() as peer:
        keys = KeySettings(source=SourceKind.GCP, key=NAME, endpoint=peer.endpoint)
        settings = made(tmp_path / "site", keys)
        assert not (tmp_path / "site" / "keys" / "site.key").exists()
        Site.open(tmp_path / "site").close()
        text = (tmp_path / "site" / "keys" / "site.key.wrapped").read_text()
        assert json.loads(text)["site"] == settings.id
        assert os.environ.get(VARIABLE) is None
        peer.status = 403
        with pytest.raises(KeyUnavailable, match="may not use the key"):
            Site.open(tmp_path / "site")
