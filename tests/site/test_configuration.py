from __future__ import annotations

from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests.bedside_site import Hospital


def test_changed_settings_are_recorded_once_when_the_site_is_opened(hospital: Hospital) -> None:
    folder = hospital.site.folder
    hospital.site.close()
    settings = folder / "site.toml"
    settings.write_text(settings.read_text().replace("rows = 1000", "rows = 10"))
    for _ in range(2):
        with Site.open(folder) as site:
            found = site.ledger.find(kind=EventKind.CONFIGURATION_CHANGED)
            assert site.settings.limits.rows == 10
    (change,) = (entry.value["body"] for entry in found)
    assert change["before"]["limits"]["rows"] == 1000
    assert change["settings"]["limits"]["rows"] == 10


def test_an_unchanged_site_records_nothing_when_it_is_opened(hospital: Hospital) -> None:
    hospital.site.close()
    with Site.open(hospital.site.folder) as site:
        assert not site.ledger.find(kind=EventKind.CONFIGURATION_CHANGED)


def test_a_databases_address_is_not_recorded(hospital: Hospital) -> None:
    (opened,) = hospital.site.ledger.find(kind=EventKind.SITE_OPENED)
    assert set(opened.value["body"]["settings"]) == {"name", "limits", "keys"}
    assert set(opened.value["body"]["settings"]["keys"]) == {"source", "key", "fingerprint"}
