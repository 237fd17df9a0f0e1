"""A folder of many volumes at the command line: side by side, resumable, with a table at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from bedside.cli.analysing_one import Wish, limits_of
from bedside.cli.door import entered
from bedside.cli.errors import REFUSED
from bedside.cli.inspection import english
from bedside.cli.packages import read_package
from bedside.cli.screen import Page, complain, on_one_line, progress, show
from bedside.cli.shipped import file_of
from bedside.cli.stages import Bars, bars
from bedside.cli.volume_answers import UNRECORDED
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.imaging.folders import Found
    from bedside.jobs.task import Workers
    from bedside.serving.many.analysing import Progress
    from bedside.serving.many.diary import Entry
    from bedside.serving.many.plan import Plan

MOST_ROWS: Final = 200
"""Volumes of the table on the screen; the files hold all."""

UNDER_WAY: Final = 4
"""Volumes that a site has of us at a time, unless it is said: some wait while others are done."""


@dataclass(frozen=True)
class Shown:
    """How it is told: whether a site recorded it, and whether as JSON."""

    recorded: bool
    as_json: bool


def analyse_folder(
    found: Sequence[Found],
    wish: Wish,
    package: Path,
    chosen: tuple[int | None, str | None],
    *,
    as_json: bool,
) -> None:
    """Analyse each volume of a folder by a package, unrecorded, and write a table of them.

    Args:
        found: The volumes.
        wish: What is asked of each.
        package: The package that analyses.
        chosen: How many at once, and the address of a Ray cluster; None where nothing is said.
        as_json: Whether one JSON document is written.

    Raises:
        BedsideError: the package or the folder is not usable, or the cluster is not there.
        Exit: not all of them were analysed.
    """
    jobs, address = chosen
    plan = _plan(wish, package, prove=address is not None)
    workers = _workers(plan.of(found), jobs, address)
    _analysed(found, wish, plan, workers, Shown(False, as_json))


def analyse_folder_recorded(
    found: Sequence[Found],
    wish: Wish,
    where: tuple[str, Path, Path | None],
    jobs: int | None,
    *,
    as_json: bool,
) -> None:
    """Let a site analyse each volume of a folder, each as a job of it, and write a table of them.

    Args:
        found: The volumes.
        wish: What is asked of each.
        where: The model, the folder of the site, and the file of the API key.
        jobs: How many are brought to the site at a time; it does as many at once as it may.
        as_json: Whether one JSON document is written.

    Raises:
        BedsideError: it was refused, or the folder is not usable.
        Exit: not all of them were analysed.
    """
    model, site, key_file = where
    with entered(site, key_file) as (opened, caller):
        from bedside.people.permissions import Action
        from bedside.serving.many.plan import Plan
        from bedside.serving.many.recorded import Recorded

        opened.people.require(caller, Action.PREDICT, model)
        loaded = opened.serving.models.fetch(model)
        limits_of(loaded.manifest)
        order = replace(wish.order, version=loaded.release.version)
        plan = Plan(loaded.manifest, loaded.release.digest, order=order)
        workers = Recorded(opened.analysing, caller, loaded, order, jobs or UNDER_WAY)
        _analysed(found, wish, plan, workers, Shown(True, as_json))


def _analysed(found: Sequence[Found], wish: Wish, plan: Plan, workers: Workers, how: Shown) -> None:
    from bedside.serving.many.analysing import analyse_many
    from bedside.serving.many.summary import csv_of, told

    try:
        wish.out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(
            f"The folder {on_one_line(str(wish.out))} cannot be used: {problem.strerror}.",
            advice="Name another one with -o.",
        ) from problem
    with bars() as shown:
        entries = analyse_many(
            found, plan, wish.out, workers, lambda one: _tell(shown, one), again=wish.again
        )
    unit = _unit(plan)
    value = told(entries, plan, unit, recorded=how.recorded)
    table = csv_of(entries, unit, recorded=how.recorded)
    _write_summary(wish.out, table, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    show(value, lambda page: _tell_table(page, entries, plan, wish.out, how), as_json=how.as_json)
    left = sum(one.state != "done" for one in entries)
    if left:
        complain(f"{left} of {len(entries)} volumes were not analysed.", "See the reasons above.")
        raise typer.Exit(REFUSED)


def _plan(wish: Wish, package: Path, *, prove: bool) -> Plan:
    """Return the plan, after the package gave its golden answers here."""
    from bedside.runtime.runner import load
    from bedside.serving.many.plan import Plan

    found = read_package(package)
    limits_of(found.manifest)
    with progress(f"{found.manifest.ref} gives its golden answers"):
        load(found, wish.engines).close()
    return Plan(
        found.manifest, found.digest, file_of(package).read_bytes(), wish.order, wish.engines, prove
    )


def _workers(plan: Plan, jobs: int | None, address: str | None) -> Workers:
    from bedside.jobs.pool import Pool
    from bedside.serving.analysis_errand import CHILD
    from bedside.serving.many.plan import at_once

    if address is None:
        cores = len(os.sched_getaffinity(0))
        return Pool(CHILD, plan.common(), at_once(plan, jobs, cores))
    from bedside.jobs.ray_cluster import Cluster, Share

    share = Share(plan.manifest.conditions.threads, plan.memory)
    return Cluster(address, CHILD, plan.common(), share, jobs)


def _tell(shown: Bars, one: Progress) -> None:
    from bedside.jobs.task import Step

    if isinstance(one.last, Step):
        shown.part(one.last.name, one.last.stage, one.last.done, one.last.total)
    elif one.last is not None:
        shown.over(one.last.name)
    shown.whole("volumes", one.done, one.total)


def _unit(plan: Plan) -> str:
    output = plan.manifest.postprocessing
    return output.unit if output.kind == "number" else "mL"


def _write_summary(out: Path, table: str, whole: str) -> None:
    from bedside.serving.many.summary import CSV, JSON
    from bedside.store.disk import replace_file

    try:
        replace_file(out / CSV, table.encode("utf-8"), 0o644)
        replace_file(out / JSON, whole.encode("utf-8"), 0o644)
    except OSError as problem:
        raise UsageError(
            f"The table cannot be written to {on_one_line(str(out))}: {problem.strerror}.",
            advice="Make room and call this again; what is done stays done.",
        ) from problem


def _tell_table(page: Page, entries: Sequence[Entry], plan: Plan, out: Path, how: Shown) -> None:
    from bedside.serving.many.summary import CSV, names_of

    if not how.recorded:
        page.line(UNRECORDED, style="bold red")
    page.line(f"{plan.manifest.ref} ({plan.manifest.claim_level}), {english(plan.manifest.title)}")
    names = names_of(entries)
    rows = [
        (
            one.name,
            one.state,
            *(f"{one.values[name]:.1f}" if name in one.values else "" for name in names),
            " ".join(code for code, _ in one.flags),
            f"{one.seconds:.1f} s",
            one.reason,
        )
        for one in entries[:MOST_ROWS]
    ]
    page.table(("volume", "state", *names, "flags", "time", "reason"), rows)
    if len(entries) > MOST_ROWS:
        page.line(f"and {len(entries) - MOST_ROWS} more")
    page.line(f"The table is {on_one_line(str(out / CSV))}.")
    page.line(f"Not for: {english(plan.manifest.not_for)}")
