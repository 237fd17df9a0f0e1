"""How old the newest generation is: for metrics, readiness and the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bedside.errors import BedsideError
from bedside.site.backup.mounted import refuse_unmounted
from bedside.site.backup.place import Place, age_seconds
from bedside.site.settings import Settings


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


def backup_state(folder: Path, settings: Settings, now: datetime) -> BackupState | None:
    """Return the state of the backups that are set for the site in `folder`, or None where none are.

    It lists a folder and reads a small file or two. A generation that claims to be of the future
    does not count: it would put off the next one for as long.
    """
    place, every = Place.of(settings.backup), settings.backup.every.total_seconds()
    if place is None:
        return None
    try:
        refuse_unmounted(folder, settings.backup, place)
        newest = place.belonging_to(settings.origin).newest(now)
    except BedsideError as problem:
        return BackupState("", "", None, due=True, late=True, trouble=problem.message)
    if newest is None:
        return BackupState("", "", None, due=True, late=False)
    age = max(age_seconds(newest, now), 0.0)  # a clock may be a little ahead of another
    return BackupState(
        newest.generation,
        newest.made,
        age,
        due=age >= every,
        late=age > 2 * every,
    )
