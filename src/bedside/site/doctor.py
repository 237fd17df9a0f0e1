"""Looks a site over, and says of each thing whether it is as it should be and what to do if not."""

from __future__ import annotations

import platform
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from bedside.clock import timestamp
from bedside.errors import BedsideError, SiteProblem
from bedside.people.api_key import EXPIRES_SOON
from bedside.site.backup.state import backup_state
from bedside.site.schema import UPGRADE_ADVICE, differences
from bedside.site.settings import SETTINGS_FILE
from bedside.site.site import Site
from bedside.site.unlocking import KEYS_FOLDER

LEAST_PYTHON: Final = (3, 11)
LEAST_FREE_BYTES: Final = 2**30
"""A million predictions take about a gigabyte; below it, somebody should look."""

LIBRARIES: Final = ("onnxruntime", "numpy", "sqlalchemy", "cryptography", "fastapi", "uvicorn")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether it is as it should be.
        detail: What was found.
        advice: What to do, or an empty string.
    """

    name: str
    ok: bool
    detail: str
    advice: str = ""


def examine(folder: Path) -> list[Finding]:
    """Return what was found about the site in `folder`; nothing is repaired.

    The site is opened as a service would open it, its whole record verified, and the proofs of each
    released model replayed.
    """
    folder = folder.absolute()
    findings = [_python(), _libraries()]
    if not (folder / SETTINGS_FILE).is_file():
        advice = "Name a site with --site, or make one with `bedside init`."
        return [*findings, Finding("site", False, f"There is no site in {folder}.", advice)]
    findings += [_folder(folder), *_keys(folder), _space(folder)]
    try:
        with Site.open(folder) as site:
            findings.append(Finding("site", True, f"{site.settings.name} opens"))
            findings += _opened(site)
    except BedsideError as problem:
        findings.append(_failed("site", problem))
    return findings


def _opened(site: Site) -> list[Finding]:
    findings = [
        _checked("schema", lambda: _schema(site)),
        _checked("ledger", lambda: _ledger(site)),
        _checked("people", lambda: f"{len(site.people.list())} people"),
        _ending_keys(site),
        _checked("erasures", lambda: _erasures(site)),
        *_backups(site),
        *_witnesses(site),
    ]
    for release in site.registry.released():
        name = release.model
        findings.append(_checked(f"model {name}", partial(_model, site, name)))
    return findings


def _checked(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except BedsideError as problem:
        return _failed(name, problem)


def _failed(name: str, problem: BedsideError) -> Finding:
    return Finding(name, False, problem.message, problem.advice)


def _python() -> Finding:
    found = f"Python {platform.python_version()} on {platform.machine()}"
    advice = f"Install Python {'.'.join(map(str, LEAST_PYTHON))} or later."
    ok = sys.version_info >= LEAST_PYTHON
    return Finding("python", ok, found, "" if ok else advice)


def _libraries() -> Finding:
    try:
        found = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    except PackageNotFoundError as problem:
        return Finding("libraries", False, f"{problem.name} is missing.", "pip install bedside")
    return Finding("libraries", True, found)


def _folder(folder: Path) -> Finding:
    mode = stat.S_IMODE(folder.stat().st_mode)
    ok = not mode & (stat.S_IWGRP | stat.S_IRWXO)
    advice = "" if ok else f"chmod 700 {folder}"
    return Finding("folder", ok, f"{folder} has mode {mode:04o}", advice)


def _keys(folder: Path) -> list[Finding]:
    findings = []
    for path in sorted((folder / KEYS_FOLDER).glob("*.key")):
        mode = stat.S_IMODE(path.stat().st_mode)
        ok = mode & (stat.S_IRWXG | stat.S_IRWXO) == 0
        advice = "" if ok else f"chmod 600 {path}, and think about who may have read it."
        findings.append(Finding(f"key {path.name}", ok, f"mode {mode:04o}", advice))
    return findings


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    ok = free >= LEAST_FREE_BYTES
    advice = "" if ok else "Make room: without it nothing can be recorded, so nothing answered."
    return Finding("disk", ok, f"{free / 2**30:.1f} GiB free", advice)


def _schema(site: Site) -> str:
    with site.database.read() as connection:
        found = differences(connection)
    if found:
        raise SiteProblem(f"The schema differs: {'; '.join(found)}.", advice=UPGRADE_ADVICE)
    return "as declared"


def _ledger(site: Site) -> str:
    verdict = site.verify()
    return (
        f"{verdict.entries} entries and {verdict.checkpoints} checkpoints verified; "
        "people, keys, versions and releases are as they tell"
    )


def _backups(site: Site) -> list[Finding]:
    state = backup_state(site.folder, site.settings, site.clock())
    if state is None:
        return []
    advice = (
        "Run bedside backup, and see in the log why the service does not." if state.late else ""
    )
    return [Finding("backup", not state.late, state.words(), advice)]


def _erasures(site: Site) -> str:
    site.erasing.finish()
    told, now = site.erasing.told(), timestamp(site.clock())
    states = Counter(one.state(now).value for one in told.erasures.values())
    holds = sum(one.lifted is None for one in told.holds.values())
    named = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    return f"{named or 'none'}; {holds} legal holds stand"


def _ending_keys(site: Site) -> Finding:
    try:
        ending = site.people.unreplaced_keys(site.clock() + timedelta(days=EXPIRES_SOON))
    except BedsideError as problem:
        return _failed("API keys", problem)
    now = timestamp(site.clock())
    soon = [(key, owner) for key, owner in ending if (key.ends_at or "") > now]
    if not soon:
        return Finding("API keys", True, f"none ends within {EXPIRES_SOON} days unreplaced")
    named = "; ".join(f"{key.id} of {owner.name} at {key.ends_at}" for key, owner in soon[:5])
    return Finding(
        "API keys",
        True,  # nothing is wrong yet
        f"{len(soon)} end within {EXPIRES_SOON} days unreplaced: {named}",
        f"bedside people rotate-key {soon[0][0].id}",
    )


def _witnesses(site: Site) -> list[Finding]:
    """Return where each witness stands; opening the site asked them."""
    advice = {
        "agrees": "",
        "waiting": "It saw nothing yet: bedside ledger witness send",
        "away": "Look whether it can be reached; it is tried again by itself.",
        "refused": "Keep the database as it is: bedside ledger verify --witness all",
    }
    return [
        Finding(
            f"witness {state.name}",
            state.standing == "agrees",
            f"{state.standing}: {state.words or f'saw {state.size} entries, {state.behind} behind'}",
            advice[state.standing],
        )
        for state in site.witnessing.states()
    ]


def _model(site: Site, name: str) -> str:
    loaded = site.serving.models.fetch(name)
    cases = loaded.runner.replay_golden().cases
    return f"{loaded.release.ref} loads; {cases} golden cases hold"
