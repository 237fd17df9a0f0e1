"""A hospital with a released model, and a client of its application, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.api.app import create_app
from tests import bedside_site
from tests.api.client import Client, client_of
from tests.bedside_site import Hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A hospital in which the small model is released."""
    built = bedside_site.build(tmp_path / "site")
    built.release()
    yield built
    built.site.close()


@pytest.fixture
def client(hospital: Hospital) -> Iterator[Client]:
    """A client of the application, which runs its lifespan."""
    with client_of(create_app(hospital.site)) as opened:
        yield opened
