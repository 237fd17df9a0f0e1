"""The sources that need nobody else: file, environment, passphrase; and the move between any two."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedside.errors import Conflict, KeyUnavailable, SiteProblem
from bedside.keys.site_keys import passphrase, wrapped
from bedside.keys.site_keys.moving import copy_key, destroy_left_over
from bedside.keys.site_keys.opening import source_of
from bedside.keys.site_keys.passphrase import CREDENTIALS, PassphraseFile
from bedside.keys.site_keys.plain import Environment, PlainFile
from bedside.keys.site_keys.source import Choice, SourceKind
from bedside.keys.site_keys.wrapped import WrappedFile

SECRET = bytes(range(32))
GOOD = "correct horse battery staple"
SITE = "site-1"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "COST", {"n": 2**10, "p": 1, "r": 8})


def sealed(folder: Path, words: str = GOOD) -> PassphraseFile:
    return PassphraseFile(folder, SITE, environment={passphrase.VARIABLE: words})


class TestPassphrase:
    def test_opens_what_it_sealed(self, tmp_path: Path) -> None:
        sealed(tmp_path).keep(SECRET)
        assert sealed(tmp_path).unlock() == SECRET
        data = (tmp_path / passphrase.FILE_NAME).read_bytes()
        assert SECRET not in data
        assert base64.b64encode(SECRET)[:-2] not in data
        assert (tmp_path / passphrase.FILE_NAME).stat().st_mode & 0o777 == 0o600

    def test_another_passphrase_opens_nothing(self, tmp_path: Path) -> None:
        sealed(tmp_path).keep(SECRET)
        with pytest.raises(KeyUnavailable, match=r"does not open .*another one, or the file was"):
            sealed(tmp_path, GOOD + "!").unlock()

    def test_the_same_letters_from_another_keyboard_open_it(self, tmp_path: Path) -> None:
        sealed(tmp_path, "Zwölf Boxkämpfer jagen").keep(SECRET)
        assert sealed(tmp_path, "Zwo\u0308lf Boxka\u0308mpfer jagen\n").unlock() == SECRET

    def test_another_site_opens_nothing(self, tmp_path: Path) -> None:
        sealed(tmp_path).keep(SECRET)
        other = PassphraseFile(tmp_path, "site-2", environment={passphrase.VARIABLE: GOOD})
        with pytest.raises(KeyUnavailable, match="of the site 'site-1'"):
            other.unlock()

    @pytest.mark.parametrize("words", ["", "short", "elevenchars"])
    def test_a_short_one_is_refused_before_anything_is_written(
        self, tmp_path: Path, words: str
    ) -> None:
        with pytest.raises(KeyUnavailable, match="can be found by trying"):
            sealed(tmp_path, words).keep(SECRET)
        assert not list(tmp_path.iterdir())

    def test_none_at_all_says_where_to_put_one(self, tmp_path: Path) -> None:
        with pytest.raises(KeyUnavailable, match=r"BEDSIDE_SITE_PASSPHRASE.*passphrase_file"):
            PassphraseFile(tmp_path, SITE, environment={}).keep(SECRET)

    def test_the_stated_cost_is_written_and_bound(self, tmp_path: Path) -> None:
        sealed(tmp_path).keep(SECRET)
        path = tmp_path / passphrase.FILE_NAME
        for change in ({"n": 2**9}, {"p": 2}, {"r": 4}):
            value = json.loads(path.read_bytes())
            assert {"name", "n", "p", "r", "salt"} == set(value["kdf"])
            value["kdf"] |= change
            rewrite(path, value)
            with pytest.raises(KeyUnavailable, match="does not open"):
                sealed(tmp_path).unlock()
            value["kdf"] |= {"n": 2**10, "p": 1, "r": 8}
            rewrite(path, value)
        assert sealed(tmp_path).unlock() == SECRET

    @pytest.mark.parametrize(
        "change",
        [{"n": 2**40}, {"n": 3}, {"n": 1}, {"r": 10**9}, {"p": True}, {"name": "md5"}, {"more": 1}],
    )
    def test_a_file_that_asks_for_too_much_is_refused_before_memory_is_taken(
        self, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        sealed(tmp_path).keep(SECRET)
        path = tmp_path / passphrase.FILE_NAME
        value = json.loads(path.read_bytes())
        value["kdf"] |= change
        rewrite(path, value)
        with pytest.raises(KeyUnavailable, match=r"not allowed|does not say"):
            sealed(tmp_path).unlock()

    @pytest.mark.parametrize("junk", [b"", b"{}", b"[1]", b"\xff", b'{"v":1}', b"[" * 9999])
    def test_what_is_no_such_file_is_refused_by_name(self, tmp_path: Path, junk: bytes) -> None:
        path = tmp_path / passphrase.FILE_NAME
        path.write_bytes(junk)
        path.chmod(0o600)
        with pytest.raises(KeyUnavailable, match=r"site\.key\.sealed"):
            sealed(tmp_path).unlock()

    def test_every_flipped_bit_of_the_file_is_noticed(self, tmp_path: Path) -> None:
        sealed(tmp_path).keep(SECRET)
        path = tmp_path / passphrase.FILE_NAME
        data = path.read_bytes()
        for place in range(0, len(data) - 1, 3):  # the last byte is the line's end
            altered = bytearray(data)
            altered[place] ^= 1
            path.write_bytes(bytes(altered))
            with pytest.raises(KeyUnavailable):
                sealed(tmp_path).unlock()


class TestWhereThePassphraseComesFrom:
    def test_a_file_goes_before_the_environment(self, tmp_path: Path) -> None:
        words = tmp_path / "words"
        words.write_text(GOOD + "\n")
        words.chmod(0o600)
        sealed(tmp_path).keep(SECRET)
        other = {passphrase.VARIABLE: "something else entirely"}
        assert PassphraseFile(tmp_path, SITE, str(words), other).unlock() == SECRET

    def test_a_file_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        words = tmp_path / "words"
        words.write_text(GOOD)
        words.chmod(0o640)
        with pytest.raises(KeyUnavailable, match="Others may read"):
            PassphraseFile(tmp_path, SITE, str(words), {}).keep(SECRET)

    def test_a_credential_of_systemd_is_found_by_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "cred").mkdir()
        words = tmp_path / "cred" / "site-passphrase"
        words.write_text(GOOD)
        words.chmod(0o440)  # as systemd makes it: the group's bit is the mask of an access list
        environment = {CREDENTIALS: str(tmp_path / "cred")}
        PassphraseFile(tmp_path, SITE, "site-passphrase", environment).keep(SECRET)
        assert sealed(tmp_path).unlock() == SECRET

    @pytest.mark.parametrize("name", ["relative/path", "../up", "name"])
    def test_a_relative_path_is_none(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(KeyUnavailable, match="neither an absolute path nor"):
            PassphraseFile(tmp_path, SITE, name, {}).keep(SECRET)


class TestEnvironment:
    def test_is_asked_alone_where_it_is_chosen(self, tmp_path: Path) -> None:
        PlainFile(tmp_path).keep(SECRET)
        with pytest.raises(KeyUnavailable, match="BEDSIDE_SITE_KEY, which is not set"):
            source_of(Choice(SourceKind.ENVIRONMENT), tmp_path, SITE, {}).unlock()

    def test_goes_before_the_plain_file_and_before_nothing_else(self, tmp_path: Path) -> None:
        environment = {"BEDSIDE_SITE_KEY": base64.b64encode(SECRET).decode()}
        source = source_of(Choice(), tmp_path, SITE, environment)
        assert source.unlock() == SECRET
        chosen = source_of(Choice(SourceKind.PASSPHRASE), tmp_path, SITE, environment)
        assert "passphrase" in chosen.place

    def test_holding_another_key_keeps_nothing(self) -> None:
        other = {"BEDSIDE_SITE_KEY": base64.b64encode(bytes(32)).decode()}
        with pytest.raises(Conflict, match="another key"):
            Environment(other).keep(SECRET)


def test_a_service_without_a_key_is_refused(tmp_path: Path) -> None:
    for kind in (SourceKind.AWS, SourceKind.GCP, SourceKind.AZURE):
        with pytest.raises(SiteProblem, match="needs the key"):
            source_of(Choice(kind), tmp_path, SITE, {})


class TestCopying:
    def test_gives_the_new_source_the_key_and_leaves_the_old(self, tmp_path: Path) -> None:
        old, new = PlainFile(tmp_path), sealed(tmp_path)
        old.keep(SECRET)
        assert copy_key(old, new) == SECRET
        assert old.unlock() == new.unlock() == SECRET
        assert copy_key(old, new) == SECRET  # an attempt that was cut off is taken up again

    def test_another_key_at_the_new_place_is_never_overwritten(self, tmp_path: Path) -> None:
        PlainFile(tmp_path).keep(SECRET)
        sealed(tmp_path).keep(bytes(32))
        with pytest.raises(Conflict):
            copy_key(PlainFile(tmp_path), sealed(tmp_path))
        assert sealed(tmp_path).unlock() == bytes(32)

    def test_a_source_that_gives_back_something_else_is_found_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PlainFile(tmp_path).keep(SECRET)
        forgetful: Callable[..., bytes] = lambda _self: bytes(32)  # noqa: E731
        monkeypatch.setattr(PassphraseFile, "unlock", forgetful)
        with pytest.raises(KeyUnavailable, match="is not what it was given"):
            copy_key(PlainFile(tmp_path), sealed(tmp_path))
        assert PlainFile(tmp_path).unlock() == SECRET


class Turned:
    """A key service that turns bytes around."""

    def wrap(self, plain: bytes) -> tuple[bytes, str]:
        return plain[::-1], "a-version"

    def unwrap(self, wrapped: bytes, wrapped_by: str) -> bytes:
        assert wrapped_by == "a-version"
        return wrapped[::-1]


def test_what_another_service_wrapped_is_cleared_from_the_same_file(tmp_path: Path) -> None:
    old, new = (
        WrappedFile(tmp_path, SITE, Choice(SourceKind.AWS, key), Turned()) for key in ("old", "new")
    )
    old.keep(SECRET)
    copy_key(old, new)
    assert destroy_left_over(tmp_path, SITE, new, wrapped.FILE_NAME) == (new.path,)
    assert new.unlock() == SECRET
    with pytest.raises(KeyUnavailable, match="not by aws-kms old"):
        old.unlock()
    assert destroy_left_over(tmp_path, SITE, new, wrapped.FILE_NAME) == ()


def test_a_destroyed_file_is_overwritten_before_it_is_removed(tmp_path: Path) -> None:
    PlainFile(tmp_path).keep(SECRET)
    path = tmp_path / "site.key"
    (tmp_path / "link").hardlink_to(path)
    PlainFile(tmp_path).destroy()
    PlainFile(tmp_path).destroy()  # twice is the same
    assert not path.exists()
    assert set((tmp_path / "link").read_bytes()) == {0}


def rewrite(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))
