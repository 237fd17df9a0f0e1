"""A folder of many volumes at the command line: side by side, resumable, with a table at the end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from bedside.cli.analysing_one import Wish, limits_of
from bedside.cli.errors import REFUSED
from bedside.cli.packages import read_package
from bedside.cli.screen import Page, complain, on_one_line, progress, show
from bedside.cli.stages import Bars, bars
from bedside.cli.volume_answers import UNRECORDED
from bedside.errors import NotFound, UsageError

if TYPE_CHECKING:
    from bedside.imaging.folders import Found
    from bedside.jobs.task import Workers
    from bedside.package.manifest import Manifest
    from bedside.serving.many.analysing import Progress
    from bedside.serving.many.diary import Entry
    from bedside.serving.many.plan import Plan

MOST_ROWS: Final = 200
"""Volumes of the table on the screen; the files hold all."""


def analyse_folder(
    found: Sequence[Found],
    wish: Wish,
    package: Path,
    chosen: tuple[int | None, str | None],
    *,
    as_json: bool,
) -> None:
    """Analyse each volume of a folder, and write a table of what came of them.

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
    from bedside.serving.many.analysing import analyse_many
    from bedside.serving.many.diary import NAME
    from bedside.serving.many.summary import told

    jobs, address = chosen
    plan = _plan(wish, package, prove=address is not None)
    try:
        wish.out.mkdir(parents=True, exist_ok=True)
        if wish.again:
            (wish.out / NAME).unlink(missing_ok=True)
    except OSError as problem:
        raise UsageError(
            f"The folder {on_one_line(str(wish.out))} cannot be used: {problem.strerror}.",
            advice="Name another one with -o.",
        ) from problem
    with bars() as shown:
        entries = analyse_many(
            found, plan, wish.out, _workers(plan, jobs, address), lambda one: _tell(shown, one)
        )
    manifest, digest, unit = plan.package.manifest, plan.package.digest, _unit(plan)
    _write_summary(wish.out, entries, plan, unit)
    value = told(entries, manifest, digest, unit)
    show(value, lambda page: _tell_table(page, entries, manifest, wish.out), as_json=as_json)
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
    return Plan(found, package.read_bytes(), wish.order, wish.engines, prove)


def _workers(plan: Plan, jobs: int | None, address: str | None) -> Workers:
    from bedside.jobs.pool import Pool
    from bedside.serving.many.plan import CHILD, at_once

    if address is None:
        cores = len(os.sched_getaffinity(0))
        return Pool(CHILD, plan.common(), at_once(plan, jobs, cores))
    from bedside.jobs.ray_cluster import Cluster, Share

    share = Share(plan.package.manifest.conditions.threads, plan.memory)
    return Cluster(address, CHILD, plan.common(), share, jobs)


def _tell(shown: Bars, one: Progress) -> None:
    from bedside.jobs.task import Step

    if isinstance(one.last, Step):
        shown.part(one.last.name, one.last.stage, one.last.done, one.last.total)
    elif one.last is not None:
        shown.over(one.last.name)
    shown.whole("volumes", one.done, one.total)


def _unit(plan: Plan) -> str:
    output = plan.package.manifest.postprocessing
    return output.unit if output.kind == "number" else "mL"


def _write_summary(out: Path, entries: Sequence[Entry], plan: Plan, unit: str) -> None:
    from bedside.serving.many.summary import CSV, JSON, csv_of, json_of
    from bedside.store.disk import replace_file

    table = csv_of(entries, unit)
    whole = json_of(entries, plan.package.manifest, plan.package.digest, unit)
    try:
        replace_file(out / CSV, table.encode("utf-8"), 0o644)
        replace_file(out / JSON, whole.encode("utf-8"), 0o644)
    except OSError as problem:
        raise NotFound(
            f"The table cannot be written to {on_one_line(str(out))}: {problem.strerror}.",
            advice="Make room and call this again; what is done stays done.",
        ) from problem


def _tell_table(page: Page, entries: Sequence[Entry], manifest: Manifest, out: Path) -> None:
    from bedside.serving.many.summary import CSV, names_of

    page.line(UNRECORDED, style="bold red")
    page.line(f"{manifest.ref} ({manifest.claim_level})")
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
