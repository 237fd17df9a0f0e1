"""What is found while a file's pickles are followed, all of them together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from bedside.freezing.strangers.opcodes import Budget
from bedside.freezing.strangers.stream import Lost
from bedside.freezing.strangers.unpacking import Unpacking
from bedside.freezing.strangers.values import Global

MOST_NAMES: Final = 1_000
MOST_DOUBTS: Final = 20


@dataclass(slots=True)
class Findings:
    """What all pickles of one file would do.

    Attributes:
        names: The imported names, in the order in which they first stand.
        opcodes: How often each watched opcode stands there.
        doubts: What could not be followed, in words.
        budget: How many opcodes may still be read.
        unpacking: How much was unpacked.
    """

    names: dict[Global, None] = field(default_factory=dict)
    opcodes: Counter[str] = field(default_factory=Counter)
    doubts: dict[str, None] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    unpacking: Unpacking = field(default_factory=Unpacking)

    def doubt(self, words: str) -> None:
        """Note something that could not be followed."""
        if len(self.doubts) < MOST_DOUBTS:
            self.doubts[words] = None

    def add(self, name: Global) -> None:
        """Note an imported name.

        Raises:
            Lost: they are too many.
        """
        if name not in self.names and len(self.names) == MOST_NAMES:
            raise Lost(f"it imports more than {MOST_NAMES} names")
        self.names[name] = None
