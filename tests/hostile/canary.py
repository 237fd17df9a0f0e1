"""The child that really reads: `python -m tests.hostile.canary FOLDER NAMES ANSWERS`.

Only files that the inspector did not call code come here. PyTorch, joblib and pickle read each of
them as a careless person would, and Python's own audit event says what was imported.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import joblib
import torch

READERS: dict[str, Callable[[Path], object]] = {
    "pickle": lambda path: pickle.loads(path.read_bytes()),  # noqa: S301 - the point of it
    "joblib": joblib.load,
    "torch": lambda path: torch.load(path, weights_only=False),
}


def imported(path: Path, reader: str, events: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what reading the file at `path` imported."""
    events.clear()
    try:
        READERS[reader](path)
    except Exception:  # noqa: BLE001 - not every file is for every reader
        return list(events)
    return list(events)


def main(folder: Path, names: list[str], answers: Path) -> None:
    """Let every reader read every file; write down what each imported."""
    warnings.simplefilter("ignore")
    events: list[tuple[str, str]] = []

    def hear(event: str, told: tuple[object, ...]) -> None:
        if event == "pickle.find_class":
            events.append((str(told[0]), str(told[1])))

    sys.addaudithook(hear)
    found = {
        name: {reader: imported(folder / name, reader, events) for reader in READERS}
        for name in names
    }
    answers.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]))
