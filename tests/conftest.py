"""What many tests stand on: samples, both databases, a clock that obeys, a ledger."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import socket
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bedside.keys.signing import SigningKey
from bedside.keys.site_key import SiteKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from bedside.store.schema import metadata
from tests import postgres

ROOT = Path(__file__).resolve().parents[1]
ROOMS_WITH_TABLES = ("jobs", "keys", "ledger", "people", "registry", "serving")


class SettableClock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let nobody search thousands of tests and modules for garbage, now or ever after."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold a slow test: none is left for one process alone at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of shared samples."""
    named = os.environ.get("BEDSIDE_SAMPLES")
    folder = Path(named) if named else ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip(f"samples missing: {folder} (set BEDSIDE_SAMPLES)")
    return folder


@pytest.fixture(autouse=True)
def _allow_tmpfs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEDSIDE_ALLOW_TMPFS", "1")  # pytest's folders may lie in memory


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on; for tests marked `enable_socket`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A private PostgreSQL server."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("postgresql missing: neither on PATH nor in /usr/lib/postgresql")
    with postgres.running(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; every test that asks runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/bedside.db"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with every room's tables."""
    opened = Database.open(database_url)
    make_tables(opened)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands still; `clock.advance(seconds)` moves it."""
    return SettableClock()


@pytest.fixture
def site_key(tmp_path: Path) -> SiteKey:
    """A new site key."""
    folder = tmp_path / "site-key"
    folder.mkdir()
    return SiteKey.create(folder)


@pytest.fixture
def keys_url(database_url: str, tmp_path: Path) -> str:
    """Where the subject keys live: a file of their own, or a schema of their own."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/subjects.db"
    return database_url


@pytest.fixture
def subject_keys(keys_url: str, site_key: SiteKey, clock: SettableClock) -> Iterator[SubjectKeys]:
    """The subject keys beside `database`."""
    opened = SubjectKeys.open(keys_url, site_key, clock)
    yield opened
    opened.close()


@pytest.fixture
def signer() -> SigningKey:
    """The key that signs the ledger's checkpoints."""
    return SigningKey.new()


@pytest.fixture
def ledger(
    database: Database, subject_keys: SubjectKeys, signer: SigningKey, clock: SettableClock
) -> Ledger:
    """An empty ledger on `database`."""
    return Ledger(database, subject_keys, signer, "bedside/test", clock)


def make_tables(database: Database) -> None:
    """Make the tables of every room that has any; a site's own come from migrations."""
    for room in ROOMS_WITH_TABLES:
        known = importlib.util.find_spec(f"bedside.{room}")
        if known and importlib.util.find_spec(f"bedside.{room}.tables"):
            importlib.import_module(f"bedside.{room}.tables")
    with database.write() as connection:
        metadata.create_all(connection)
