"""A change of `site.toml` is an event: whoever asks later sees which settings held when."""

from __future__ import annotations

from bedside.canonical import Json
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.site.backup.plan import BackupSettings
from bedside.site.settings import Settings
from bedside.site.witness_settings import WitnessSettings, recorded_witnesses


def recorded_settings(settings: Settings) -> dict[str, Json]:
    """Return what the ledger keeps of the settings; a database's address may hold a password."""
    told: dict[str, Json] = {
        "name": settings.name,
        "limits": settings.limits.model_dump(mode="json"),
    }
    if settings.witness != WitnessSettings():
        told["witness"] = recorded_witnesses(settings.witness)
    if settings.backup != BackupSettings():
        told["backup"] = settings.backup.model_dump(mode="json")
    return told


def record_change(ledger: Ledger, settings: Settings) -> None:
    """Record the settings if they are not those that the ledger knows from the last opening.

    A person changes them with an editor, so the event's actor is the system.
    """
    known = [
        entry
        for kind in (EventKind.SITE_OPENED, EventKind.CONFIGURATION_CHANGED)
        for entry in ledger.find(kind=kind, about=settings.id, limit=1, newest_first=True)
    ]
    before = max(known, key=lambda entry: entry.index).value["body"]["settings"] if known else None
    now = recorded_settings(settings)
    if now != before:
        ledger.record(
            Draft(
                kind=EventKind.CONFIGURATION_CHANGED,
                about=settings.id,
                actor="system",
                door="system",
                body={"before": before, "settings": now},
            )
        )
