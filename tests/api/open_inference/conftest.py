"""A client of an application in which a model of fields and one of films are released."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bedside.api.app import create_app
from tests.api.client import Client, client_of
from tests.bedside_site import Hospital
from tests.serving.films import release_films


@pytest.fixture
def client(hospital: Hospital) -> Iterator[Client]:
    """A client of the application, which runs its lifespan."""
    release_films(hospital)
    with client_of(create_app(hospital.site)) as opened:
        yield opened
