from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def forgotten_imports() -> Iterator[None]:
    """Forget what a test imported from an author's folder: freezing does it in a process apart."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in {"net", "blocks", "chestnets"}:
            del sys.modules[name]
