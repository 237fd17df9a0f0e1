"""The record of a run: what was trained, with what, on what, where, for how long, and how good it is.

Canonical JSON; its digest goes into the lineage of the package that is made of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes, digest, read_json
from bedside.errors import UsageError
from bedside.freezing.authors_words import Origin
from bedside.lab.training.diary import read_diary
from bedside.lab.training.environment import told_code
from bedside.lab.training.folder import RECORD
from bedside.lab.training.training import Order, Trained
from bedside.package.manifest import DataSet
from bedside.store.disk import replace_file

FORMAT_VERSION: Final = 1
MODE: Final = 0o644


def write_record(order: Order, trained: Trained, folder: Path) -> str:
    """Write the record of a run into its folder; return its digest.

    Raises:
        OSError: it cannot be written.
    """
    validations = [line for line in read_diary(folder) if "validation" in line]
    judgement = trained.judgement
    data = canonical_bytes(
        {
            "format_version": FORMAT_VERSION,
            "task": order.name,
            "settings": order.settings.model_dump(mode="json"),
            "data": [one.model_dump(mode="json") for one in order.task.data],
            "split": order.task.split,
            "sessions": list(trained.sessions),
            "seconds": round(trained.seconds, 3),
            "steps": trained.step,
            "end": trained.end,
            "score": order.task.score,
            "best": None if judgement.means is None else judgement.best,
            "best_step": judgement.best_step,
            "validations": [
                {"step": line["step"], "cases": line["cases"], "means": line["validation"]}
                for line in validations
            ],
            "weights": dict(trained.weights),
            "parent": trained.parent,
        }
    )
    replace_file(folder / RECORD, data, MODE)
    return digest(data)


def read_record(path: Path) -> dict[str, Json]:
    """Return a record.

    Raises:
        UsageError: it is none.
    """
    found = read_json(path.read_bytes())
    if not isinstance(found, dict) or found.get("format_version") != FORMAT_VERSION:
        raise UsageError(f"{path} is no run record.", advice=f"It is called {RECORD} in a run.")
    return found


def has_ended(folder: Path, steps: int) -> bool:
    """Return whether a run's record tells that all of its steps are done.

    Raises:
        UsageError: what stands in its place is no record.
    """
    path = folder / RECORD
    return path.is_file() and read_record(path)["steps"] >= steps


def origin_of(path: Path, trained_by: str) -> Origin:
    """Return what a record says of a model's origin, as a spec for freezing asks for it.

    Args:
        path: Of the record.
        trained_by: Who trained it, in words.

    Raises:
        UsageError: it is no record.
    """
    record = read_record(path)
    settings: Mapping[str, Json] = record["settings"]
    last = record["sessions"][-1]
    return Origin(
        trained_by=trained_by,
        trained_at=last["until"],
        code=f"{told_code(last['code'])}; bedside lab train {record['task']}",
        parameters={
            "settings": dict(settings),
            "steps": record["steps"],
            "seconds": record["seconds"],
        },
        seed=settings["seed"],
        data=tuple(DataSet(**one) for one in record["data"]),
        split=record["split"],
        run_record=digest(path.read_bytes()),
    )
