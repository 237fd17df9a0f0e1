"""Hospitals whose sites are closed, to be served by other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bedside.site.site import Site
from tests import bedside_site, postgres
from tests.bedside_site import Hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    """A hospital on SQLite, on a disk where the temporary folder is one."""
    return closed(tmp_path / "site")


@pytest.fixture
def postgres_hospital(
    tmp_path: Path, postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hospital]:
    """A hospital on PostgreSQL; every process of this test uses its database."""
    url = postgres_server.new_database()
    monkeypatch.setenv("BEDSIDE_DATABASE_URL", url)
    yield closed(tmp_path / "site")
    postgres_server.drop(url)


def closed(folder: Path) -> Hospital:
    """A hospital in which the small model is released, whose site is closed here."""
    built = bedside_site.build(folder)
    built.release()
    built.site.close()
    return built


@contextmanager
def reopened(hospital: Hospital) -> Iterator[Site]:
    """Give the site, opened again."""
    with Site.open(hospital.site.folder) as site:
        yield site
