"""One site with the demonstration model released, and the same model for the bare endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bedside.canonical import Json
from bedside.keys.signing import SigningKey
from bedside.lab import breast_cancer
from bedside.package.networks import Network
from bedside.package.operations import SelectNumbers, Standardise
from bedside.package.outputs import BinaryOutput
from bedside.package.package import Package
from bedside.people.api_key import IssuedKey
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.site.settings import SETTINGS_FILE
from bedside.site.site import Site


@dataclass(frozen=True, slots=True)
class Prepared:
    """What both endpoints need.

    Attributes:
        site: Folder of a site that answers for `model`.
        bare: Folder with `model.onnx` and `plan.json`.
        model: The model's name.
        secret: API key of a person who may predict.
        admin: API key of the administrator.
        row: One held-out patient's raw row.
        label: What both endpoints must answer for it.
        fields: Names of the row's numbers, in the network's order.
    """

    site: Path
    bare: Path
    model: str
    secret: str
    admin: str
    row: Json
    label: str
    fields: tuple[str, ...]

    @property
    def numbers(self) -> dict[str, float]:
        """The row's values, all of which are numbers."""
        return cast("dict[str, float]", self.row)


def prepare(folder: Path) -> Prepared:
    """Train, freeze, approve and release the demonstration model under `folder`."""
    key = SigningKey.new()
    trained = breast_cancer.train(folder / "lab", key)
    package = trained.frozen.package
    secret, admin = release(
        folder / "site", trained.package.read_bytes(), key, package.manifest.ref
    )
    fields = _write_bare(folder / "bare", package)
    return Prepared(
        site=folder / "site",
        bare=folder / "bare",
        model=package.manifest.name,
        secret=secret,
        admin=admin,
        row=trained.rows[0],
        label=trained.labels[0],
        fields=fields,
    )


def release(folder: Path, archive: bytes, key: SigningKey, ref: str) -> tuple[str, str]:
    """Make a site in `folder` that answers with `archive`.

    Returns:
        The API keys of a clinician and of the administrator.
    """
    site, admin_key = Site.create(folder, "Benchmark", "Administrator")
    with site:
        admin = site.people.sign_in(admin_key.secret, "cli")
        site.registry.trust_key(admin, key.public, "benchmark author")
        registrant, first, second, operator, clinician = (
            _person(site, admin, name, roles)
            for name, roles in (
                ("Benchmark developer", {Role.DEVELOPER}),
                ("Benchmark approver A", {Role.APPROVER}),
                ("Benchmark approver B", {Role.APPROVER}),
                ("Benchmark operator", {Role.OPERATOR}),
                ("Benchmark clinician", {Role.CLINICIAN}),
            )
        )
        site.registry.add(registrant[0], archive)
        site.registry.verify(registrant[0], ref)
        for approver in (first, second):
            site.registry.approve(approver[0], ref, "Approved for a benchmark only.")
        site.registry.release(operator[0], ref, "Benchmark.")
    _lift_rates(folder / SETTINGS_FILE)
    return clinician[1].secret, admin_key.secret


def _lift_rates(settings: Path) -> None:
    """Let one key ask as often as it can; the count for each key is kept all the same."""
    text = settings.read_text()
    for name, most in (("per_second", 1_000_000), ("burst", 10_000_000)):
        text = re.sub(rf"^((key|person)_{name}) = \d+$", rf"\1 = {most}", text, flags=re.MULTILINE)
    settings.write_text(text)


def _person(
    site: Site, admin: Caller, name: str, roles: Iterable[Role]
) -> tuple[Caller, IssuedKey]:
    person = site.people.add(admin, name, list(roles))
    issued = site.people.issue_key(admin, person.id, "benchmark")
    return site.people.sign_in(issued.secret, "cli"), issued


def _write_bare(folder: Path, package: Package) -> tuple[str, ...]:
    """Write the graph and the constants of the package's operations; return the fields in order."""
    select, standardise = package.manifest.preprocessing
    output = package.manifest.postprocessing
    assert isinstance(select, SelectNumbers)
    assert isinstance(standardise, Standardise)
    assert isinstance(output, BinaryOutput)
    labels = [one.label for one in output.classes]
    positive = labels.index(output.positive)
    model = package.manifest.model
    assert isinstance(model, Network)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(package.entries[model.entry])
    plan = {
        "fields": select.fields,
        "centre": standardise.centre,
        "scale": standardise.scale,
        "input": model.input,
        "output": model.output,
        "element": model.element,
        "positive": positive,
        "labels": [labels[1 - positive], labels[positive]],
        "threshold": output.threshold.value,
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    return tuple(select.fields)
