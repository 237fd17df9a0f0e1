"""A hospital with a released model, on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.site.site import DATABASE_VARIABLE
from tests import bedside_site
from tests.bedside_site import Hospital


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
