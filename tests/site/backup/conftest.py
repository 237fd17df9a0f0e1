"""A hospital on either database with predictions in it, a place for its generations, and a way back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bedside.serving.values import Decision, Row, Verdict
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order
from bedside.site.site import DATABASE_VARIABLE, Site
from tests import bedside_site, postgres
from tests.bedside_site import MODEL, ROW, Hospital, Somebody

PERSON = "person-0042"


@pytest.fixture(scope="session")
def kept_hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """The hospital on SQLite, closed; each test has a copy of its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        patch.delenv(DATABASE_VARIABLE, raising=False)
        built = at_work(tmp_path_factory.mktemp("kept") / "site")
        built.site.close()
    return built


@pytest.fixture
def hospital(kept_hospital: Hospital, tmp_path: Path) -> Iterator[Hospital]:
    """A hospital in which the small model answered somebody and nobody, and a decision was made."""
    shutil.copytree(kept_hospital.site.folder, tmp_path / "site")
    site = Site.open(tmp_path / "site")
    people = {
        name: Somebody(site.people.sign_in(one.secret, "rest"), one.secret)
        for name, one in kept_hospital.people.items()
    }
    yield Hospital(site, people, kept_hospital.key)
    site.close()


@pytest.fixture
def either_hospital(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hospital]:
    """The same on either kind of database."""
    if not database_url.startswith("sqlite"):
        monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    built = at_work(tmp_path / "site")
    yield built
    built.site.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder for generations, and another one for their keys."""
    return Place.at(tmp_path / "generations", tmp_path / "generations-keys")


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where a restored database goes: a file in the folder (`sqlite`), or an empty PostgreSQL."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture
def order(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Order]:
    """What to restore onto an empty machine; `order(database=…)` says the rest."""

    def make(**changes: Any) -> Order:
        monkeypatch.delenv(DATABASE_VARIABLE, raising=False)  # it is another machine
        parts: dict[str, Any] = {
            "place": place,
            "folder": tmp_path / "new",
            "site_key_file": tmp_path / "site" / "keys" / "site.key",
            "database": "sqlite",
        }
        return Order(**{**parts, **changes})

    return make


def at_work(folder: Path) -> Hospital:
    """Make a hospital that has answered."""
    built = bedside_site.build(folder)
    built.release()
    predict(built, PERSON)
    predict(built)
    built.site.serving.decide(
        built["clinician"].caller, predict(built, "somebody-else"), Decision(Verdict.AGREE)
    )
    return built


def predict(hospital: Hospital, subject: str | None = None) -> str:
    """Record a prediction and return its id."""
    caller = hospital["clinician"].caller
    return hospital.site.serving.predict_now(caller, MODEL, [Row(ROW, subject)])[0].id
