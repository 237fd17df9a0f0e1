"""What was found in a stranger's file, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bedside.canonical import Json

MOST_NAMES = 12
"""Names told in one sentence before the rest is only counted."""


class Verdict(Enum):
    """What reading the file, as its library reads it, would do."""

    WEIGHTS = "weights only"
    """Numbers and names of tensors; `torch.load(…, weights_only=True)` reads it."""
    LIBRARIES = "code of known libraries"
    """Calls classes of scikit-learn, NumPy, PyTorch … with values that the file's writer chose."""
    CODE = "code"
    """Calls something else, or cannot be followed to its end."""


@dataclass(frozen=True, slots=True, order=True)
class ImportedName:
    """A name that the file would import.

    Attributes:
        verdict: What a file may be called that imports nothing worse.
        module: The module, such as `os`.
        name: The name in it, such as `system`.
        why: What it does, where that is known; else empty.
    """

    verdict: Verdict
    module: str
    name: str
    why: str = ""

    def __str__(self) -> str:
        told = f"{self.module}.{self.name}"
        return f"{told} ({self.why})" if self.why else told


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds, found without running anything of it.

    Attributes:
        file: The file's name.
        size: Its size in bytes.
        kind: What kind of file it is, in words, such as `pickle`.
        verdict: The worst that was found.
        names: Every name that it would import, the worst first.
        opcodes: How often each opcode stands in it that imports, calls or changes an object.
        doubts: What could not be followed; any makes the verdict `CODE`.
    """

    file: str
    size: int
    kind: str
    verdict: Verdict
    names: tuple[ImportedName, ...]
    opcodes: Mapping[str, int]
    doubts: tuple[str, ...]

    @property
    def holds_code(self) -> bool:
        """Whether reading the file as its library does would run anything that it chose."""
        return self.verdict is not Verdict.WEIGHTS

    @property
    def words(self) -> str:
        """The finding in a few sentences, as a refusal tells it."""
        if not self.holds_code:
            return f"{self.file!r} is a {self.kind} that holds weights only."
        parts = []
        if self.names:
            parts.append(f"it imports {_listed(self.names)}")
        parts += self.doubts
        return (
            f"{self.file!r} is a {self.kind} that holds {self.verdict.value}: {'; '.join(parts)}."
        )

    def as_json(self) -> dict[str, Json]:
        """Return the finding as JSON."""
        return {
            "file": self.file,
            "size": self.size,
            "kind": self.kind,
            "verdict": self.verdict.value,
            "holds_code": self.holds_code,
            "imports": [
                {
                    "name": f"{one.module}.{one.name}",
                    "verdict": one.verdict.value,
                    "why": one.why or None,
                }
                for one in self.names
            ],
            "opcodes": dict(self.opcodes),
            "doubts": list(self.doubts),
        }


def _listed(names: tuple[ImportedName, ...]) -> str:
    worst = names[0].verdict
    first = [str(one) for one in names if one.verdict is worst]
    shown = first[:MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
