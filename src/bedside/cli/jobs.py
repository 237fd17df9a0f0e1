"""`bedside jobs …`: the analyses of a site, who asked for them, how far they are, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from bedside.canonical import Json
from bedside.cli.door import entered
from bedside.cli.options import DEFAULT_SITE, JsonOption, KeyFileOption, SiteOption
from bedside.cli.screen import Page, show

if TYPE_CHECKING:
    from bedside.jobs.job import Job
    from bedside.people.people import People

MOST: Final = 1_000
MEGABYTE: Final = 10**6

AnalysisArgument = Annotated[str, typer.Argument(metavar="ANALYSIS", help="Id of an analysis.")]
StateOption = Annotated[
    Literal["waiting", "running", "done", "refused", "failed", "cancelled"] | None,
    typer.Option("--state", help="Only those that stand so."),
]
MostOption = Annotated[
    int, typer.Option("--most", min=1, max=MOST, help="So many of the latest ones.")
]


def list_jobs(
    state: StateOption = None,
    most: MostOption = 100,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List analyses, the latest first: an operator sees everybody's, a clinician their own."""
    from bedside.jobs.job import State

    with entered(site, key_file) as (opened, caller):
        found = opened.analysing.list(caller, None if state is None else State(state), most)
        names = _names(opened.people, found)
    show(
        [_document(job, names) for job in found],
        lambda page: page.table(
            ("analysis", "model", "state", "", "asked by", "since"),
            [_row(job, names) for job in found],
        ),
        as_json=as_json,
    )


def show_job(
    analysis: AnalysisArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how an analysis stands, and what it takes; what came of it, `bedside trace` tells."""
    with entered(site, key_file) as (opened, caller):
        job = opened.analysing.look(caller, analysis)
        names = _names(opened.people, (job,))
    show(_document(job, names), lambda page: _tell(page, job, names), as_json=as_json)


def cancel(
    analysis: AnalysisArgument,
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel an analysis: at once where it waits, within seconds where it runs; it is recorded."""
    with entered(site, key_file) as (opened, caller):
        job = opened.analysing.cancel(caller, analysis)
        names = _names(opened.people, (job,))

    def tell(page: Page) -> None:
        over = "Cancelled" if not job.unfinished else "It ends within seconds:"
        page.line(f"{over} {job.id}.")

    show(_document(job, names), tell, as_json=as_json)


def _names(people: People, found: tuple[Job, ...]) -> dict[str, str]:
    return {person: people.get(person).name for person in {job.person for job in found}}


def _document(job: Job, names: dict[str, str]) -> dict[str, Json]:
    """Return a job as JSON; nothing of it is personal."""
    return {
        "id": job.id,
        "model": job.about,
        "state": job.state.value,
        "cancelling": job.cancelled and job.unfinished,
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "code": job.code,
        "asked_by": {"id": job.person, "name": names[job.person]},
        "memory_bytes": job.memory,
        "attempts": job.attempts,
        "restarts": job.restarts,
        "created_at": job.created_at,
        "ended_at": job.ended_at or None,
    }


def _row(job: Job, names: dict[str, str]) -> tuple[str, ...]:
    return job.id, job.about, job.state.value, _how_far(job), names[job.person], job.created_at


def _how_far(job: Job) -> str:
    """Return how far a job is, or why it ended as it did."""
    if not job.unfinished:
        return job.code
    if job.cancelled:
        return "ends within seconds"
    share = f" {job.done} of {job.total}" if job.total else ""
    return f"{job.stage}{share}"


def _tell(page: Page, job: Job, names: dict[str, str]) -> None:
    from bedside.serving.analysis_ends import words_of

    page.pairs(
        [
            ("analysis", job.id),
            ("model", job.about),
            ("state", job.state.value),
            ("how far", _how_far(job) if job.unfinished else ""),
            ("asked by", names[job.person]),
            ("since", job.created_at),
            ("ended", job.ended_at),
            ("why", words_of(job, None)[0] if job.code else ""),
            ("memory", f"at most {-(-job.memory // MEGABYTE)} MB"),
            ("attempts", f"{job.attempts}, and {job.restarts} that do not count"),
        ]
    )
