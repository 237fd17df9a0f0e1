"""The laboratory libraries that freezing needs: are they here, and in versions that work?"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from bedside.errors import FreezeRefused, UsageError

RUNNING = ("onnx", "protobuf", "numpy", "onnxruntime")
"""Distributions whose versions decide the answers of any frozen network."""

READING = ("pillow", "pydicom", "pylibjpeg", "pylibjpeg-openjpeg", "python-gdcm")
"""Distributions that turn a picture's file into numbers."""

NEEDED = ("scikit-learn", "skl2onnx", "onnx", "protobuf", "pandas", "numpy", "onnxruntime")
"""Distributions whose versions decide a frozen model's answer, in the order they are recorded."""

PROTOBUF_BELOW = 7
"""Under protobuf 7, skl2onnx 1.20 fails on HistGradientBoosting with a TypeError."""


def check_libraries() -> dict[str, str]:
    """Return the versions of Python and of every library in `NEEDED`.

    Raises:
        UsageError: a library is not installed; names the extra that brings it.
        FreezeRefused: protobuf is too new for the converter.
    """
    found = versions(NEEDED, "lab")
    refuse_protobuf(found["protobuf"])
    return found


def versions(names: Sequence[str], extra: str) -> dict[str, str]:
    """Return the versions of Python and of the distributions `names`.

    Raises:
        UsageError: one is not installed; names the extra that brings it.
    """
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError as problem:
            raise UsageError(
                f"Freezing needs {name}, which is not installed.",
                advice=f"Install it with: pip install 'bedside[{extra}]'",
            ) from problem
    return found


def refuse_protobuf(found: str) -> None:
    """Refuse a protobuf under which the converter is known to fail.

    Raises:
        FreezeRefused: `found` is version 7 or later.
    """
    if Version(found).major >= PROTOBUF_BELOW:
        raise FreezeRefused(
            f"protobuf {found} is installed; skl2onnx fails on HistGradientBoosting under "
            f"protobuf {PROTOBUF_BELOW}.",
            advice="Install an earlier one with: pip install 'protobuf>=4.25,<7'",
        )
