"""The command line in process, a package that the laboratory made, and a site with people."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bedside.cli.app import create_app
from bedside.keys.signing import SigningKey
from bedside.lab.breast_cancer import train
from bedside.lab.trained import Trained

PEOPLE = {
    "developer": "developer",
    "first": "approver",
    "second": "approver",
    "operator": "operator",
    "clinician": "clinician",
    "auditor": "auditor",
}


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Served:
    """What the injected service was asked to serve."""

    asked: list[tuple[Path, str, int, int]] = field(default_factory=list)

    def __call__(self, folder: Path, host: str, port: int, workers: int) -> None:
        self.asked.append((folder, host, port, workers))


@dataclass(frozen=True)
class Cli:
    """Runs commands in this process; an unforeseen failure is raised, not hidden."""

    served: Served

    def __call__(
        self, *words: str | Path, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Answer:
        found = CliRunner().invoke(
            create_app(str(words[0]) if words else None),
            [str(word) for word in words],
            input=stdin,
            env=env,
            obj=self.served,
        )
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Answer(found.exit_code, found.stdout, found.stderr)

    def done(self, *words: str | Path, stdin: str | None = None) -> str:
        answer = self(*words, stdin=stdin)
        assert answer.code == 0, answer.err
        return answer.out

    def json(self, *words: str | Path, stdin: str | None = None) -> Any:
        return json.loads(self.done(*words, "--json", stdin=stdin))

    def refused(self, *words: str | Path, stdin: str | None = None) -> str:
        answer = self(*words, stdin=stdin)
        assert answer.code == 1, (answer.code, answer.out, answer.err)
        assert answer.err.startswith("Refused: ")
        return answer.err


@dataclass(frozen=True)
class Ward:
    """A site; `as_` gives the options with which a person acts there."""

    site: Path
    keys: Path

    def as_(self, person: str) -> tuple[str | Path, ...]:
        return ("--site", self.site, "--key-file", self.keys / f"{person}.key")


@dataclass(frozen=True)
class Laboratory:
    """What the author has: keys, package, held-out rows."""

    folder: Path
    trained: Trained

    @property
    def package(self) -> Path:
        return self.trained.package

    @property
    def public(self) -> Path:
        return self.folder / "author.pub"

    @property
    def secret(self) -> Path:
        return self.folder / "author.pem"


@pytest.fixture(autouse=True)
def _nobody_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEDSIDE_API_KEY", raising=False)
    monkeypatch.delenv("BEDSIDE_DATABASE_URL", raising=False)


@pytest.fixture
def cli() -> Cli:
    return Cli(Served())


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    folder = tmp_path_factory.mktemp("laboratory")
    key = SigningKey.new()
    key.save(folder / "author.pem")
    (folder / "author.pub").write_text(key.public.to_pem())
    return Laboratory(folder, train(folder, key))


@pytest.fixture
def row(laboratory: Laboratory, tmp_path: Path) -> Path:
    """A file with one held-out patient."""
    path = tmp_path / "row.json"
    path.write_text(json.dumps(laboratory.trained.rows[0]))
    return path


@pytest.fixture(scope="session")
def new_ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """A new site with one person for each part, and nothing registered; copied for each test."""
    folder = tmp_path_factory.mktemp("new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        return _with_people(Cli(Served()), Ward(folder / "ward", folder))


@pytest.fixture(scope="session")
def released_ward(
    tmp_path_factory: pytest.TempPathFactory, new_ward: Ward, laboratory: Laboratory
) -> Ward:
    """The new ward, with the laboratory's model released; copied for each test."""
    found = _copied(new_ward, tmp_path_factory.mktemp("released"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        return _with_release(Cli(Served()), found, laboratory)


@pytest.fixture
def ward(new_ward: Ward, tmp_path: Path) -> Ward:
    """A site with one person for each part, and nothing registered."""
    return _copied(new_ward, tmp_path)


@pytest.fixture
def released(released_ward: Ward, tmp_path: Path) -> Ward:
    """A site with the laboratory's model released."""
    return _copied(released_ward, tmp_path)


def _copied(found: Ward, folder: Path) -> Ward:
    shutil.copytree(found.keys, folder, dirs_exist_ok=True)
    return Ward(folder / "ward", folder)


def _with_people(cli: Cli, ward: Ward) -> Ward:
    admin = ward.keys / "admin.key"
    cli.done("init", "--site", ward.site, "--name", "Ward", "--admin", "Admin", "--key-out", admin)
    for name, role in PEOPLE.items():
        out = ward.keys / f"{name}.key"
        cli.done("people", "add", name, "--role", role, "--key-out", out, *ward.as_("admin"))
    return ward


def _with_release(cli: Cli, ward: Ward, laboratory: Laboratory) -> Ward:
    ref = "breast-cancer@1.0.0"
    cli.done("keys", "trust", laboratory.public, "--name", "Author", *ward.as_("admin"))
    cli.done("registry", "add", laboratory.package, *ward.as_("developer"))
    cli.done("registry", "verify", ref, *ward.as_("developer"))
    for person in ("first", "second"):
        meaning = ("--meaning", "I have read the evaluation.")
        cli.done("registry", "approve", ref, *meaning, *ward.as_(person))
    cli.done("registry", "release", ref, "--reason", "first", *ward.as_("operator"))
    return ward
