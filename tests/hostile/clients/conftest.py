"""A server for hostile clients: its own limits, but for times that a test can wait for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from bedside.site.settings import SETTINGS_FILE, read_settings, write_settings
from tests import bedside_site
from tests.api.running import running
from tests.bedside_site import Hospital
from tests.hostile.clients.attacking import Site

SECONDS = 2
"""For a head, for a body, and for the taking of an answer."""


def closed_hospital(folder: Path, **limits: int) -> Hospital:
    """A hospital whose site is closed here, to be served by another process."""
    built = bedside_site.build(folder)
    built.release()
    built.site.close()
    path = folder / SETTINGS_FILE
    known = read_settings(path)
    times = {"header_seconds": SECONDS, "answer_seconds": SECONDS}
    changed = known.limits.model_copy(update={**times, **limits})
    path.write_text(write_settings(known.model_copy(update={"limits": changed})))
    return built


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the usual limits; every test leaves it running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        pytest_socket.enable_socket()
        hospital = closed_hospital(tmp_path_factory.mktemp("attacked") / "site")
        with running(hospital.site.folder) as server:
            yield Site(server, hospital)
            assert server.process.poll() is None, "the server did not live through it"
