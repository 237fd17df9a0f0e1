"""What is set about backups, and which generations are kept: arithmetic over their times."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from bedside.package.fields import Frozen


class BackupSettings(Frozen):
    """The table `[backup]` of `site.toml`.

    A generation is kept while any of the four rules keeps it; the newest good one always is.

    Attributes:
        folder: Where generations are written, an absolute path; without it there are no backups
            but those that somebody asks for by name. Let it be on another machine's disk.
        keys_folder: Where their keys files are written, if apart from the data files.
        every_hours: How old the newest generation may be before the service makes another one.
        keep_last: Newest generations that are kept.
        keep_daily: Days for each of which the last generation is kept.
        keep_weekly: Weeks (ISO 8601) for each of which the last generation is kept.
        keep_monthly: Months for each of which the last generation is kept.
    """

    folder: Annotated[str, Field(pattern=r"^/", max_length=4096)] | None = None
    keys_folder: Annotated[str, Field(pattern=r"^/", max_length=4096)] | None = None
    every_hours: Annotated[float, Field(ge=0.01, le=8784)] = 24
    keep_last: Annotated[int, Field(ge=1, le=10_000)] = 3
    keep_daily: Annotated[int, Field(ge=0, le=10_000)] = 7
    keep_weekly: Annotated[int, Field(ge=0, le=10_000)] = 5
    keep_monthly: Annotated[int, Field(ge=0, le=10_000)] = 12

    @property
    def every(self) -> timedelta:
        """How old the newest generation may be."""
        return timedelta(hours=self.every_hours)


def backup_lines(settings: BackupSettings) -> list[str]:
    """Return `[backup]` as lines of TOML; nothing where nothing is set."""
    told = settings.model_dump(mode="json", exclude_defaults=True)
    if not told:
        return []
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    return [
        "",
        "# Generations and how long they are kept: docs/how-to/backup-and-restore.md.",
        "[backup]",
        *lines,
    ]


def kept(times: Collection[datetime], settings: BackupSettings) -> frozenset[datetime]:
    """Return those of `times` (UTC) whose generations are kept; the newest is always among them."""
    newest_first = sorted(times, reverse=True)
    rules: tuple[tuple[int, Callable[[datetime], tuple[int, ...]]], ...] = (
        (settings.keep_daily, lambda at: (at.year, at.month, at.day)),
        (settings.keep_weekly, lambda at: at.isocalendar()[:2]),
        (settings.keep_monthly, lambda at: (at.year, at.month)),
    )
    found = set(newest_first[: settings.keep_last])
    for count, period in rules:
        found.update(_last_of_each(newest_first, period, count))
    return frozenset(found)


def _last_of_each(
    newest_first: Iterable[datetime], period: Callable[[datetime], tuple[int, ...]], count: int
) -> list[datetime]:
    last: dict[tuple[int, ...], datetime] = {}
    for at in newest_first:
        last.setdefault(period(at), at)
    return list(last.values())[:count]
