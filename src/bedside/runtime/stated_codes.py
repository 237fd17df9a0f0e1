"""What a header says, beside what its sender states, of the codes that a domain declares.

A header goes before what the sender states, and what neither says is not guessed: one rule for
pictures and volumes. `docs/spec/package.md`, sections 4 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bedside.canonical import Json
from bedside.package.images import is_code_string
from bedside.runtime.flags import Flag, FlagCode
from bedside.runtime.gate import Refusals
from bedside.runtime.wording import shown

CODE_WORDS: Final = "a DICOM code: at most 16 of A to Z, 0 to 9, space and _"

_UNSTATED: Final[Mapping[str, FlagCode]] = {
    "modality": "modality-unstated",
    "body_part": "body-part-unstated",
    "view": "view-unstated",
}


@dataclass(frozen=True, slots=True)
class Adder:
    """Adds reasons about one picture or volume.

    Attributes:
        position: Its row in the request.
        refusals: Where the reasons go.
    """

    position: int
    refusals: Refusals

    def __call__(self, field: str, code: str, value: str, allowed: str) -> None:
        """Add one reason about `field`."""
        self.refusals.add(self.position, field, code, value, allowed)


@dataclass(frozen=True, slots=True)
class CodeField:
    """One code: who says what of it, and what the domain allows.

    Attributes:
        name: `modality`, `body_part` or `view`.
        written: What the header says, if anything.
        stated: What the sender says, as it was sent.
        allowed: What the domain declares; empty where it declares nothing.
    """

    name: str
    written: str | None
    stated: Json
    allowed: Sequence[str]


def check_code(
    field: CodeField, unstated: Literal["refuse", "flag", "allow"], add: Adder
) -> Iterator[Flag]:
    """Hold one code against the domain; add what is wrong, yield what a reader must know.

    A header that holds no code where a code belongs says nothing.

    Args:
        field: The code.
        unstated: What the domain does where nobody says it.
        add: Takes the reasons.
    """
    name, said = field.name, field.stated
    written = field.written if is_code_string(field.written) else None
    words = f"one of {', '.join(field.allowed)}" if field.allowed else CODE_WORDS
    if said is not None and not is_code_string(said):
        add(name, "wrong-type", shown(said), words)
    elif written is not None and said is not None and written != said:
        add(name, "contradiction", f"{said!r}, and the header says {written!r}", words)
    elif field.allowed:
        found = written or said
        if found is not None:
            if found not in field.allowed:
                add(name, "out-of-domain", repr(found), words)
        elif unstated == "refuse":
            add(name, "unstated", "nothing, in the header or beside it", words)
        elif unstated == "flag":
            told = f"nobody says the {name.replace('_', ' ')}; it must be {words}"
            yield Flag(_UNSTATED[name], told)
