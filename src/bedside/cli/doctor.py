"""`bedside doctor`: is everything in place for this site to answer?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.door import open_site
from bedside.cli.errors import document, refused
from bedside.cli.options import DEFAULT_SITE, JsonOption, SiteOption
from bedside.cli.screen import progress, show
from bedside.cli.verifying import Check, tell_checks
from bedside.errors import BedsideError, PackageRefused, SiteProblem, Unavailable

if TYPE_CHECKING:
    from bedside.site.site import Site

LEAST_FREE_BYTES = 2**30
"""Below this a ledger that must not lose an event is in danger."""


def doctor(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Examine a site: opens, disk, ledger, trusted keys, people, and each released model."""
    checks: list[Check] = []
    problem: BedsideError | None = None
    with progress(f"Examining {site}"):
        try:
            with open_site(site) as opened:
                checks.extend(examine(opened))
        except BedsideError as found:
            checks.append(Check("site", False, found.message))
            problem = found
    failed = [check for check in checks if check.passed is False]
    if problem is None and failed:
        problem = SiteProblem(
            f"{len(failed)} of {len(checks)} checks failed: "
            f"{', '.join(check.name for check in failed)}.",
            advice=failed[0].found,
        )
    value: dict[str, Json] = {"ok": problem is None, "checks": [asdict(one) for one in checks]}
    if problem is not None:
        value |= document(problem)
    show(value, lambda page: tell_checks(page, checks), as_json=as_json)
    if problem is not None:
        raise refused(problem)


def examine(site: Site) -> Iterator[Check]:
    """Yield every check of an opened site."""
    yield Check("site", True, f"{site.settings.name}, {site.database.dialect}, schema up to date")
    yield _disk(site.folder)
    yield _ledger(site)
    yield _people(site)
    yield _keys(site)
    released = site.registry.released()
    if not released:
        yield Check("models", None, "no version is released")
    for release in released:
        yield _model(site, release.model)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    return Check("disk", free >= LEAST_FREE_BYTES, f"{free / 2**30:.1f} GiB free, 1 GiB needed")


def _ledger(site: Site) -> Check:
    try:
        verdict = site.ledger.verify()
    except BedsideError as problem:
        return Check("ledger", False, str(problem))
    found = f"{verdict.entries} entries, {verdict.checkpoints} checkpoints, whole"
    return Check("ledger", True, found)


def _people(site: Site) -> Check:
    from bedside.people.person import administers

    people = site.people.list()
    active = [person for person in people if person.active]
    found = f"{len(active)} active of {len(people)}"
    return Check("people", any(administers(person) for person in active), found)


def _keys(site: Site) -> Check:
    trusted = site.registry.trusted_keys()
    if not trusted:
        return Check("keys", None, "no author's key is trusted")
    return Check("keys", True, ", ".join(key.name for key in trusted))


def _model(site: Site, model: str) -> Check:
    try:
        loaded = site.serving.models.fetch(model)
    except (PackageRefused, Unavailable) as problem:
        return Check(model, False, str(problem))
    return Check(model, True, f"{loaded.release.ref} loads, golden cases agree")
