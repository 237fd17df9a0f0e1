"""`bedside doctor`: is everything in place for this site to answer?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.errors import document, refused
from bedside.cli.options import DEFAULT_SITE, JsonOption, SiteOption
from bedside.cli.screen import Page, progress, show
from bedside.errors import SiteProblem

if TYPE_CHECKING:
    from bedside.site.doctor import Finding


def doctor(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Examine a site: libraries, folder, keys, disk, schema, ledger, and each released model."""
    from bedside.cli.passphrase import passphrase_for
    from bedside.site.doctor import examine

    passphrase_for(site)
    with progress(f"Examining {site}"):
        findings = examine(site)
    wrong = [finding for finding in findings if not finding.ok]
    value: dict[str, Json] = {"ok": not wrong, "findings": [asdict(one) for one in findings]}
    problem = _summed_up(findings, wrong) if wrong else None
    if problem is not None:
        value |= document(problem)
    show(value, lambda page: _tell(page, findings), as_json=as_json)
    if problem is not None:
        raise refused(problem)


def _summed_up(findings: list[Finding], wrong: list[Finding]) -> SiteProblem:
    names = ", ".join(finding.name for finding in wrong)
    return SiteProblem(
        f"{len(wrong)} of {len(findings)} findings are not as they should be: {names}.",
        advice=" ".join(finding.advice for finding in wrong),
    )


def _tell(page: Page, findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        page.check(finding.ok, f"{finding.name:<{width}}  {finding.detail}")
