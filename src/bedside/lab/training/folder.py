"""The folder of a run: what lies in it, who holds it, and what another run takes from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from safetensors.torch import load

from bedside.canonical import digest, read_json
from bedside.errors import BedsideError, Conflict, NotFound, UsageError
from bedside.lab.training.state import Named
from bedside.store.duty import Duty

SETTINGS: Final = "settings.json"
RECORD: Final = "run-record.json"
LOCK: Final = ".lock"
BEST_WEIGHTS: Final = "best.safetensors"
FINAL_WEIGHTS: Final = "final.safetensors"


def check_data(now: Sequence[str], folder: Path) -> None:
    """Check that the data of a run are those that it began with.

    Args:
        now: Their digests.
        folder: Of the run.

    Raises:
        UsageError: they are not.
    """
    path = folder / SETTINGS
    began = read_json(path.read_bytes()).get("data") if path.exists() else None
    if began is not None and began != list(now):
        raise UsageError(
            f"This run began with other data: {', '.join(began)}; now they are {', '.join(now)}.",
            advice="Bring the data back as they were, or begin another run.",
        )


def first_weights(folder: Path) -> tuple[Named, str]:
    """Return the best weights of another run, and the digest of its record.

    Raises:
        NotFound: the folder holds no run that came to an end.
        UsageError: its weights are not those of its record.
    """
    record, weights = folder / RECORD, folder / BEST_WEIGHTS
    if not record.is_file() or not weights.is_file():
        raise NotFound(
            f"{folder} holds no {RECORD} and {BEST_WEIGHTS} to start from.",
            advice="Let that run come to an end, by SIGTERM if it must be.",
        )
    told, data = record.read_bytes(), weights.read_bytes()
    if read_json(told)["weights"].get(BEST_WEIGHTS) != digest(data):
        raise UsageError(f"{weights} is not the file that {RECORD} beside it names.")
    return load(data), digest(told)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run against every other process of this machine; say in words what the disk refuses.

    Raises:
        Conflict: another process trains it.
        BedsideError: what is done meanwhile cannot be written.
    """
    duty = Duty(folder / LOCK)
    if not duty.taken():
        raise Conflict(
            f"{folder} is trained by another process, or cannot be written.",
            advice="Wait for it, or stop it by SIGTERM.",
        )
    try:
        yield
    except OSError as problem:
        raise BedsideError(
            f"The run in {folder} cannot be written: {problem}.",
            advice="Make room, then go on with --resume.",
        ) from problem
    finally:
        duty.close()
