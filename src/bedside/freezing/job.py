"""What the process apart is asked to do: one JSON file, written here and read there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bedside.canonical import canonical_bytes
from bedside.freezing.model_file import Kind


@dataclass(frozen=True, slots=True)
class Job:
    """A freeze, or a look at a model, for the child; every path is absolute.

    Attributes:
        do: `freeze`, or `facts` to tell what the model shows of itself.
        kind: What kind of file the model is in.
        model: The model's file.
        folder: Where the child writes: `answer`, `error.json`, `told.json`, `steps`.
        spec: The spec's file; empty for `facts`.
        data: The rows or the folder of pictures; empty for `facts`.
        module: The author's class, as `file.py:Class`, or None.
        arguments: What it is constructed with.
        i_made_this: The author's word.
        code: A folder with the author's own modules, or None.
        parameters: What the lineage keeps beside what the model shows.
    """

    do: Literal["freeze", "facts"]
    kind: Kind
    model: str
    folder: str
    spec: str = ""
    data: str = ""
    module: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    i_made_this: bool = False
    code: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> Path:
        """Where the child writes what it made."""
        return Path(self.folder) / "answer"

    @property
    def error(self) -> Path:
        """Where it writes why it made nothing."""
        return Path(self.folder) / "error.json"

    @property
    def told(self) -> Path:
        """Where it writes what was compared, and what the author must be told."""
        return Path(self.folder) / "told.json"

    @property
    def steps(self) -> Path:
        """Where it writes a line for each step that begins."""
        return Path(self.folder) / "steps"

    def tell(self, step: str) -> None:
        """Write down that a step begins; called by the child."""
        with self.steps.open("a", encoding="utf-8") as steps:
            steps.write(step + "\n")

    def write(self, path: Path) -> None:
        """Write the job."""
        path.write_bytes(canonical_bytes(asdict(self)))


def read_job(path: Path) -> Job:
    """Return the job in a file that `Job.write` wrote."""
    return Job(**json.loads(path.read_text(encoding="utf-8")))
