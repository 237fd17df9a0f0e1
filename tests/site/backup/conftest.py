"""A hospital on either database with predictions in it, a place for its generations, and a way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bedside.serving.values import Decision, Row, Verdict
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order
from bedside.site.site import DATABASE_VARIABLE
from tests import bedside_site, postgres
from tests.bedside_site import MODEL, ROW, Hospital
from tests.package.building import ROWS

PERSON = "person-0042"


@pytest.fixture
def hospital(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hospital]:
    """A hospital in which the small model answered somebody and nobody, and a decision was made."""
    if not database_url.startswith("sqlite"):
        monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    built = bedside_site.build(tmp_path / "site")
    built.release()
    predict(built, PERSON)
    predict(built)
    built.site.serving.decide(
        built["clinician"].caller, predict(built, "somebody-else"), Decision(Verdict.AGREE)
    )
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
def order(
    hospital: Hospital, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Order]:
    """What to restore onto an empty machine; `order(database=…)` says the rest."""

    def make(**changes: Any) -> Order:
        monkeypatch.delenv(DATABASE_VARIABLE, raising=False)  # it is another machine
        parts: dict[str, Any] = {
            "place": place,
            "folder": tmp_path / "new",
            "site_key_file": hospital.site.folder / "keys" / "site.key",
            "database": "sqlite",
        }
        return Order(**{**parts, **changes})

    return make


def predict(hospital: Hospital, subject: str | None = None) -> str:
    """Record a prediction and return its id."""
    caller = hospital["clinician"].caller
    return hospital.site.serving.predict_now(caller, MODEL, [Row(ROW, subject)])[0].id


__all__ = ["PERSON", "ROWS", "predict"]
