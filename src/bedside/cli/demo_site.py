"""The demonstration's site: from nothing to a released model, or on from where it stands.

Every step looks first whether it is done, so a run that was interrupted is finished by the next.
The people are roles that say so; whoever stands at the keyboard plays all of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

from bedside.cli.demo_story import Story
from bedside.cli.door import DOOR
from bedside.cli.inspection import tell_metrics
from bedside.cli.verifying import examine, tell_checks
from bedside.errors import Conflict, NotFound, SiteProblem

if TYPE_CHECKING:
    from bedside.keys.signing import SigningKey
    from bedside.lab.trained import Trained
    from bedside.people.person import Caller
    from bedside.registry.lifecycle import VersionRecord
    from bedside.site.site import Site

MODEL = "breast-cancer"
REF = f"{MODEL}@1.0.0"
ADMINISTRATOR = "Demo administrator"
DEVELOPER, OPERATOR, CLINICIAN = "Demo developer", "Demo operator", "Demo clinician"

APPROVALS: Mapping[str, str] = MappingProxyType(
    {
        "Demo approver A": "I have read the intended use, the data and the evaluation; fit for "
        "this demonstration.",
        "Demo approver B": "I have seen the golden cases agree on this machine and checked the "
        "threshold's meaning; fit for this demonstration.",
    }
)
"""Who approves, and what their approval means."""

PEOPLE: Mapping[str, str] = MappingProxyType(
    {
        DEVELOPER: "developer",
        **dict.fromkeys(APPROVALS, "approver"),
        OPERATOR: "operator",
        CLINICIAN: "clinician",
    }
)

FOLDER = "demo"
"""Inside the site: what the demonstration keeps for its next run. The two keys have mode 0600."""
KEEPER = "administrator.key"
AUTHOR = "author.pem"
AUTHOR_PUBLIC = "author.pub"
PACKAGE = "breast-cancer-1.0.0.bedside"
HELD_OUT = "held-out.json"


def is_ready(folder: Path) -> bool:
    """Return whether an earlier run made this site and its model's package.

    Raises:
        SiteProblem: the folder holds a site that `bedside demo` did not make.
    """
    if not (folder / "site.toml").exists():
        return False
    if not (folder / FOLDER / KEEPER).exists():
        raise SiteProblem(
            f"{folder} is a site that `bedside demo` did not make.",
            advice="Name another folder with --site.",
        )
    return all((folder / FOLDER / name).exists() for name in (AUTHOR, PACKAGE, HELD_OUT))


def make(folder: Path, story: Story) -> None:
    """Train, freeze and verify the model, then make the site, and keep both for later runs.

    Raises:
        SiteProblem: nothing can be made at `folder`.
    """
    _look_at(folder)
    with TemporaryDirectory(prefix="bedside-demo-") as workshop:
        key = _author_key(folder, story)
        trained = _train(Path(workshop), key, story)
        _verify(trained.package, key, story)
        if not (folder / "site.toml").exists():
            _create(folder, story)
        kept = folder / FOLDER
        if not (kept / AUTHOR).exists():
            key.save(kept / AUTHOR)
            (kept / AUTHOR_PUBLIC).write_text(key.public.to_pem(), encoding="ascii")
        for path in sorted(Path(workshop).iterdir()):
            shutil.move(path, kept / path.name)


def _look_at(folder: Path) -> None:
    """Check before the work begins that a site can be made here."""
    place = next(
        parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists()
    )
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise SiteProblem(
            f"Nothing can be made at {folder}: {place} is not a folder that you may write to.",
            advice="Name another folder with --site.",
        )


def _author_key(folder: Path, story: Story) -> SigningKey:
    from bedside.keys.signing import SigningKey

    kept = folder / FOLDER / AUTHOR
    with story.step("The author makes a signing key"):
        key = SigningKey.load(kept) if kept.exists() else SigningKey.new()
        story.line(key.public.fingerprint)
        story.line(f"it will be kept in {kept}, mode 0600")
    return key


def _train(workshop: Path, key: SigningKey, story: Story) -> Trained:
    from bedside.freezing.libraries import check_libraries

    check_libraries()
    from bedside.lab.breast_cancer import train

    with story.step("The laboratory trains, measures and freezes a model of 569 real patients"):
        trained = train(workshop, key)
        choice, difference = trained.threshold, trained.frozen.report
        story.line(trained.frozen.package.manifest.lineage.split)
        story.line(
            f"threshold {choice.value:g}, the highest that finds {choice.target:.0%} of the "
            f"{choice.positives} malignant masses of the validation split"
        )
        story.line("on the test split, which nothing else has seen:")
        story.tell(lambda page: tell_metrics(page, trained.metrics))
        story.line(
            f"frozen against native: largest difference {difference.largest:.2g} on "
            f"{difference.rows} rows"
        )
    story.facts["metrics"] = [metric.model_dump(mode="json") for metric in trained.metrics]
    return trained


def _verify(package: Path, key: SigningKey, story: Story) -> None:
    with story.step(f"Anybody can verify {package.name}"):
        checks, problem = examine(package, [key.public])
        story.tell(lambda page: tell_checks(page, checks))
        if problem is not None:
            raise problem


def _create(folder: Path, story: Story) -> None:
    from bedside.keys.files import write_secret
    from bedside.site.site import Site

    with story.step("A site is made"):
        site, issued = Site.create(folder, "Demo site", ADMINISTRATOR)
        with site:
            (folder / FOLDER).mkdir(mode=0o700)
            write_secret(folder / FOLDER / KEEPER, issued.secret.encode("ascii") + b"\n")
            story.line(f"{folder}: database, blobs, keys; {ADMINISTRATOR} may add people")


def bring_to_release(site: Site, story: Story) -> None:
    """Add the demo people and take the package through its whole life up to its release."""
    keeper = administrator(site)
    _add_people(site, keeper, story)
    if any(release.model == MODEL for release in site.registry.released()):
        return
    record = _register(site, keeper, story)
    _approve(site, keeper, record, story)
    with story.step("The operator releases it"), acting_as(site, keeper, OPERATOR) as operator:
        release = site.registry.release(operator, REF, "First release of the demonstration")
        story.line(f"{release.ref} answers since {release.since}, epoch {release.epoch}")


def administrator(site: Site) -> Caller:
    """Return the demo administrator, signed in with the key that the first run kept."""
    path = site.folder / FOLDER / KEEPER
    from bedside.keys.files import read_secret

    return site.people.sign_in(read_secret(path).decode("ascii", "replace").strip(), DOOR)


def issue_clinician_key(site: Site) -> tuple[str, int]:
    """Return a new API key of the demo clinician, and how many earlier ones were taken back."""
    keeper = administrator(site)
    earlier = [key for key in site.people.keys(CLINICIAN) if key.revoked_at is None]
    for key in earlier:
        site.people.revoke_key(keeper, key.id)
    return site.people.issue_key(keeper, CLINICIAN, "this run of the demo").secret, len(earlier)


@contextmanager
def acting_as(site: Site, keeper: Caller, name: str) -> Iterator[Caller]:
    """Sign somebody in with a key that lasts as long as the act."""
    issued = site.people.issue_key(keeper, name, "one act of the demo")
    try:
        yield site.people.sign_in(issued.secret, DOOR)
    finally:
        site.people.revoke_key(keeper, issued.id)


def _add_people(site: Site, keeper: Caller, story: Story) -> None:
    from bedside.people.person import read_roles

    known = {person.name for person in site.people.list()}
    missing = {name: role for name, role in PEOPLE.items() if name not in known}
    if not missing:
        return
    with story.step("The administrator adds people; here they are roles for you to play"):
        for name, role in missing.items():
            site.people.add(keeper, name, read_roles([role]))
            story.line(f"{name}: {role}")


def _register(site: Site, keeper: Caller, story: Story) -> VersionRecord:
    kept = site.folder / FOLDER
    from bedside.keys.signing import PublicKey

    author = PublicKey.load(kept / AUTHOR_PUBLIC)
    with story.step("The developer registers the package; the site verifies it"):
        if author not in [key.public for key in site.registry.trusted_keys()]:
            site.registry.trust_key(keeper, author, "Demo author")
            story.line(f"the administrator trusts the author's key {author.fingerprint}")
        with acting_as(site, keeper, DEVELOPER) as developer:
            try:
                record = site.registry.version(REF)
            except NotFound:
                record = site.registry.add(developer, (kept / PACKAGE).read_bytes())
                story.line(f"{record.ref} registered by {DEVELOPER}: draft")
            if record.state == "draft":
                record = site.registry.verify(developer, REF)
                story.line(f"loaded here, every golden case agrees: {record.state}")
    return record


def _approve(site: Site, keeper: Caller, record: VersionRecord, story: Story) -> None:
    if record.state == "retired":
        raise Conflict(
            f"{REF} is retired in {site.folder}, and that is final.",
            advice="Run the demo with another --site.",
        )
    with story.step("Two people, neither of them the developer, approve it and say what they mean"):
        given = {approval.person_name for approval in record.approvals}
        for name, meaning in APPROVALS.items():
            if name not in given:
                with acting_as(site, keeper, name) as approver:
                    record = site.registry.approve(approver, REF, meaning)
            story.line(f"{name}: “{meaning}”")
        story.line(f"{REF}: {record.state}")
