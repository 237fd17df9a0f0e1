"""How old the newest generation is: for metrics, readiness and the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bedside.errors import BedsideError
from bedside.site.backup.place import Place, age_seconds
from bedside.site.backup.plan import BackupSettings


@dataclass(frozen=True, slots=True)
class BackupState:
    """Where a site stands with its backups.

    Attributes:
        generation: The newest that seems whole; empty where there is none.
        made: When that was, RFC 3339 in UTC; empty where there is none.
        age_seconds: How old it is; None where there is none.
        due: Whether the next one should be made now.
        late: Whether it should have been made long ago: the newest is older than twice what is set.
        trouble: Why the folder cannot be looked at; empty where it can.
    """

    generation: str
    made: str
    age_seconds: float | None
    due: bool
    late: bool
    trouble: str = ""

    def words(self) -> str:
        """Return it in one line, for a person."""
        if self.trouble:
            return self.trouble
        if self.age_seconds is None:
            return "none was made yet"
        hours = self.age_seconds / 3600
        return f"the newest is {hours:.1f} hours old: {self.generation}"


def backup_state(settings: BackupSettings, now: datetime) -> BackupState | None:
    """Return the state of the backups that are set, or None where none are.

    It lists a folder and reads one small file.
    """
    if settings.folder is None:
        return None
    try:
        place = Place.of(settings)
        newest = None if place is None else place.newest()
    except BedsideError as problem:
        return BackupState("", "", None, due=True, late=True, trouble=problem.message)
    if newest is None:
        return BackupState("", "", None, due=True, late=False)
    age = age_seconds(newest, now)
    old = timedelta(seconds=age)
    return BackupState(
        newest.generation,
        newest.made,
        age,
        due=old >= settings.every,
        late=old > 2 * settings.every,
    )
