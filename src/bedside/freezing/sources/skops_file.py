"""A scikit-learn model saved by skops: every type in it is named before any is made.

Source: skops documentation, "Secure persistence with skops".
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from bedside.errors import FreezeRefused, LimitExceeded, UsageError

MAX_UNPACKED: Final = 4 * 2**30
"""Bytes of all entries; a forest of a thousand deep trees has some hundred MiB."""

MOST_NAMED: Final = 10

HARMLESS: Final = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
)
"""Types beside skops' own list that only hold values. Trees are not among them: scikit-learn's
compiled code follows the numbers in a tree without looking, wherever they lead."""


def read_skops(path: Path, *, i_made_this: bool) -> object:
    """Return the model in a `.skops` file, whose types are all known to be harmless.

    Args:
        path: The file.
        i_made_this: The author's word that they made the file, which lets any type pass.

    Raises:
        UsageError: skops is not installed.
        FreezeRefused: not a file of skops, or one with types that could run code; lists them.
        LimitExceeded: unpacked, it is larger than `MAX_UNPACKED`.
    """
    try:
        import skops.io  # noqa: PLC0415 - only for these files
    except ImportError as problem:
        raise UsageError(
            "Reading a .skops file needs skops, which is not installed.",
            advice="Install it with: pip install 'bedside[lab]'",
        ) from problem
    _refuse_bombs(path)
    try:
        found = skops.io.get_untrusted_types(file=path)
        strange = [] if i_made_this else sorted(set(found) - set(HARMLESS))
        if not strange:
            return skops.io.load(path, trusted=found)
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, OSError) as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0][:300]
        raise FreezeRefused(
            f"{path.name} cannot be read by skops: {said}",
            advice="Save the model again with skops.io.dump, by the version of skops and "
            "scikit-learn that is installed here.",
        ) from problem
    shown = ", ".join(strange[:MOST_NAMED])
    more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
    raise FreezeRefused(
        f"{path.name} holds types that skops does not know to be harmless: {shown}{more}.",
        advice="Ask its author for a .bedside package or an ONNX file. Only if you made this file "
        "yourself, say so with --i-made-this.",
    )


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, OSError) as problem:
        raise FreezeRefused(
            f"{path.name} is no file of skops: {problem}.",
            advice="Save the model with skops.io.dump(model, 'model.skops').",
        ) from problem
    if size > MAX_UNPACKED:
        raise LimitExceeded(
            f"{path.name} unpacks to {size} bytes; at most {MAX_UNPACKED}.",
            advice="Freeze a smaller model.",
        )
