"""A hospital with a released model, on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import bedside_site
from tests.bedside_site import Hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A hospital in which the small model is released."""
    built = bedside_site.build(tmp_path / "site")
    built.release()
    yield built
    built.site.close()
