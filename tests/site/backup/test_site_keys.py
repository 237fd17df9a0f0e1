"""A site comes back wherever its key was kept: in a sealed file, or with a key service."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import SiteProblem, UsageError
from bedside.keys.site_keys.source import SourceKind
from bedside.site.backup.drill import drill
from bedside.site.backup.making import back_up
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order, restore
from bedside.site.key_settings import KeySettings
from bedside.site.settings import SETTINGS_FILE, read_settings
from bedside.site.site import Site
from bedside.site.unlocking import move
from tests.bedside_site import Hospital
from tests.keys.site_keys.google_peer import NAME, google_peer

Ordering = Callable[..., Order]
PASSPHRASE = "five words that nobody guesses"  # noqa: S105 - of a test


def moved(hospital: Hospital, keys: KeySettings) -> Site:
    """Close the site, move its key, and open it again."""
    folder = hospital.site.folder
    hospital.site.close()
    move(folder, hospital.site.settings, keys, keep_old=True)
    return Site.open(folder)


def test_a_sealed_copy_and_its_passphrase_are_enough(
    hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDSIDE_SITE_PASSPHRASE", PASSPHRASE)
    with moved(hospital, KeySettings(source=SourceKind.PASSPHRASE)) as site:
        back_up(site, place)
        drill(site, place)
    wanted = order(site_key_file=hospital.site.folder / "keys" / "site.key.sealed")
    restore(wanted)
    assert not (wanted.folder / "keys" / "site.key").exists()
    with Site.open(wanted.folder) as new:
        new.verify()


def test_a_plain_copy_opens_it_too_and_is_where_the_new_site_has_its_key(
    hospital: Hospital, place: Place, order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDSIDE_SITE_PASSPHRASE", PASSPHRASE)
    with moved(hospital, KeySettings(source=SourceKind.PASSPHRASE)) as site:
        back_up(site, place)
    monkeypatch.delenv("BEDSIDE_SITE_PASSPHRASE")
    wanted = order()
    restore(wanted)
    assert read_settings(wanted.folder / SETTINGS_FILE).keys.source == SourceKind.FILE
    with Site.open(wanted.folder) as new:
        new.verify()


@pytest.mark.enable_socket
@pytest.mark.loopback
def test_rights_at_the_key_service_alone_are_enough(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    with google_peer() as server:
        keys = KeySettings(source=SourceKind.GCP, key=NAME, endpoint=server.endpoint, seconds=5)
        with moved(hospital, keys) as site:
            back_up(site, place)
            drill(site, place)
        wanted = order(site_key_file=None, kms_key=NAME, kms_endpoint=server.endpoint)
        restore(wanted)
        with Site.open(wanted.folder) as new:
            new.verify()


@pytest.mark.enable_socket
@pytest.mark.loopback
def test_no_key_service_is_asked_on_the_word_of_a_manifest(
    hospital: Hospital, place: Place, order: Ordering
) -> None:
    made = back_up(hospital.site, place).manifest
    path = place.manifest_path(made.generation)
    wrapped = hospital.site.folder.parent / "site.key.wrapped"
    wrapped.write_bytes(b"{}")
    with google_peer() as server:
        said: dict[str, Json] = {
            "source": "gcp-kms", "key": NAME, "endpoint": server.endpoint, "seconds": 5,
        }  # fmt: skip
        told = read_json(path.read_bytes())
        unlock = {"keys": said, "wrapped": base64.b64encode(b"{}").decode()}
        path.write_bytes(canonical_bytes(told | {"unlock": unlock}) + b"\n")
        for named in (
            {},
            {"site_key_file": wrapped},
            {"kms_key": NAME},
            {"kms_key": NAME, "kms_endpoint": "https://cloudkms.example"},
            {"kms_endpoint": server.endpoint},
        ):
            with pytest.raises(UsageError, match="no service is asked on its word") as problem:
                restore(order(**{"site_key_file": None, **named}))
            assert "--kms-key" in problem.value.advice
        assert server.asked == []
    with pytest.raises(SiteProblem, match="was altered"):  # a plain key at hand asks nobody
        restore(order())
