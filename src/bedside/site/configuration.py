"""A change of `site.toml` is an event: whoever asks later sees which settings held when."""

from __future__ import annotations

from bedside.canonical import Json
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.people.person import Caller
from bedside.site.backup.plan import BackupSettings
from bedside.site.job_settings import JobSettings
from bedside.site.key_settings import KeySettings
from bedside.site.privacy_settings import PrivacySettings
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
    if settings.keys != KeySettings():
        told["keys"] = settings.keys.model_dump(
            mode="json", include={"source", "key", "fingerprint"}
        )
    if settings.privacy != PrivacySettings():
        told["privacy"] = settings.privacy.model_dump(mode="json")
    if settings.jobs != JobSettings():
        told["jobs"] = settings.jobs.model_dump(mode="json")
    return told


def record_change(ledger: Ledger, settings: Settings, by: Caller | None = None) -> None:
    """Record the settings if they are not those that the ledger knows from the last opening.

    Args:
        ledger: Where.
        settings: As they are now.
        by: Who changed them with a command; None where somebody did with an editor, and the event's
            actor is the system.
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
                actor=by.person.id if by else "system",
                door=by.door if by else "system",
                credential=by.credential if by else "",
                body={"before": before, "settings": now},
            )
        )
