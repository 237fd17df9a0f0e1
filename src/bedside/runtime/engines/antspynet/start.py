"""Begins the child, perhaps under another interpreter, in which Bedside is not installed.

Started as `python -I …/start.py`. `bedside` is taken from where this file lies and nothing else
from there, so that the child's libraries are those of its own interpreter alone.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def _take_bedside() -> None:
    house = Path(__file__).resolve().parents[3]
    spec = importlib.util.spec_from_file_location(
        "bedside", house / "__init__.py", submodule_search_locations=[str(house)]
    )
    assert spec is not None  # noqa: S101 - the file is there, and ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules["bedside"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    _take_bedside()
    from bedside.runtime.engines.antspynet.child import main

    sys.exit(main())
