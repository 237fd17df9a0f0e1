"""A hospital with a released model, on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.site.site import DATABASE_VARIABLE
from tests import bedside_site
from tests.bedside_site import Hospital
from tests.conftest import SettableClock
from tests.serving.volumes import original_of_heads
from tests.serving.ward import Ward, original, ward_of
from tests.site_copies import Original


@pytest.fixture
def hospital(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hospital]:
    """A hospital in which the small model is released, on either kind of database."""
    monkeypatch.setenv(DATABASE_VARIABLE, database_url)
    built = bedside_site.build(tmp_path / "site")
    built.release()
    yield built
    built.site.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kept_ward(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """The site of a ward, copied for each test."""
    on_server = request.param == "postgresql"
    server = request.getfixturevalue("postgres_server") if on_server else None
    return original(tmp_path_factory.mktemp("ward"), server)


@pytest.fixture
def ward(kept_ward: Original, tmp_path: Path, clock: SettableClock) -> Iterator[Ward]:
    """A hospital with a released model and two custodians, on either kind of database."""
    with ward_of(kept_ward, tmp_path, clock) as made:
        yield made


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A hospital that analyses volumes of drawn heads, closed; it is copied for each test."""
    return original_of_heads(tmp_path_factory.mktemp("heads"))
