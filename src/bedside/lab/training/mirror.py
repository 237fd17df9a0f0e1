"""A copy of a run on an MLflow server; the run itself never waits for it to be well.

What was sent stands beside the run, in `mlflow.json`: after a silence, or a crash, what is missing is
sent and nothing twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import Unavailable
from bedside.lab.training.configuring import flat
from bedside.lab.training.curves import NAME as CURVES
from bedside.lab.training.diary import read_diary
from bedside.lab.training.environment import code, told_code
from bedside.lab.training.folder import RECORD, SETTINGS
from bedside.lab.training.mlflow_server import Metric, MlflowServer
from bedside.lab.training.settings import Settings
from bedside.lab.training.training import Watch
from bedside.store.disk import replace_file

NAME: Final = "mlflow.json"
MODE: Final = 0o644
LONGEST: Final = 500
"""Characters of a parameter that every server takes."""


class Mirror:
    """What of a run a server has."""

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        """Look up what was sent before.

        Raises:
            UsageError: the address is none.
        """
        self._server = MlflowServer(settings.mlflow, os.environ)
        self._name, self._settings, self._folder = name, settings, folder
        self._has_come = False
        path = folder / NAME
        found = read_json(path.read_bytes()) if path.exists() else {}
        same = isinstance(found, dict) and found.get("address") == settings.mlflow
        self._sent: dict[str, Json] = found if same else {"address": settings.mlflow}

    def follow(self) -> str:
        """Send what the log has and the server has not; return why not, or an empty text."""
        try:
            self._follow()
        except Unavailable as problem:
            return problem.message
        return ""

    def end(self, *, whole: bool) -> str:
        """Send the rest, with the pictures and the record; return why not, or an empty text."""
        try:
            self._follow()
            for name in (CURVES, RECORD, SETTINGS):
                data = (self._folder / name).read_bytes()
                self._server.add_file(self._sent["artefacts"], name, data)
            self._server.finish(self._sent["run"], _now(), whole=whole)
        except Unavailable as problem:
            return problem.message
        return ""

    def _follow(self) -> None:
        if "run" not in self._sent:
            tags = {"bedside.code": told_code(code()), "bedside.task": self._name}
            run, place = self._server.new_run(
                f"bedside {self._name}", self._folder.resolve().name, tags, _now()
            )
            self._note({"run": run, "artefacts": place, "step": 0, "parameters": False})
        elif not self._has_come:
            self._server.go_on(self._sent["run"])
        self._has_come = True
        if not self._sent.get(
            "parameters", True
        ):  # a note without the word is of a run that sent them
            told = flat(self._settings.model_dump(mode="json"))
            short = {name: str(value)[:LONGEST] for name, value in told.items()}
            self._server.set_parameters(self._sent["run"], short)
            self._note({"parameters": True})
        lines = [line for line in read_diary(self._folder) if line["step"] > self._sent["step"]]
        moment = _now()
        metrics = [
            Metric(name, float(value), line["step"], moment)
            for line in lines
            for name, value in _values(line).items()
        ]
        self._server.add_metrics(self._sent["run"], metrics)
        if lines:
            self._note({"step": max(line["step"] for line in lines)})

    def _note(self, told: Mapping[str, Json]) -> None:
        self._sent |= told
        replace_file(self._folder / NAME, canonical_bytes(self._sent), MODE)


class Mirrored:
    """Looks on for somebody else, and lets the mirror follow at each checkpoint."""

    def __init__(self, watch: Watch, mirror: Mirror) -> None:
        self._watch = watch
        self._mirror = mirror

    def stepped(self, step: int, loss: float) -> None:
        """Pass it on."""
        self._watch.stepped(step, loss)

    def validating(self, case: int, of: int) -> None:
        """Pass it on."""
        self._watch.validating(case, of)

    def validated(self, step: int, means: Mapping[str, float], *, best: bool) -> None:
        """Pass it on."""
        self._watch.validated(step, means, best=best)

    def saved(self, step: int) -> None:
        """Pass it on, and send what is new."""
        self._watch.saved(step)
        if problem := self._mirror.follow():
            self._watch.troubled(problem)

    def troubled(self, words: str) -> None:
        """Pass it on."""
        self._watch.troubled(words)


def _values(line: Mapping[str, Json]) -> dict[str, float]:
    """Return the metrics of a line of the log."""
    if "validation" in line:
        return {f"validation.{name}": value for name, value in line["validation"].items()}
    return {name: line[name] for name in ("loss", "gradient", "seconds") if name in line}


def _now() -> int:
    return time.time_ns() // 1_000_000
