"""What a card is made of, before it is Markdown or HTML: sections of a few kinds of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bedside.package.fields import Language


class Said(NamedTuple):
    """Words in the language in which they were found, and a remark where it is not the reader's."""

    text: str
    language: Language
    remark: str = ""


Words: TypeAlias = str | Said
"""Words for a reader; `str` is in the card's own language, or in none (a name, a number)."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; its line ends are kept."""

    text: Words


@dataclass(frozen=True, slots=True)
class Notice:
    """Text that must not be overlooked."""

    text: Words


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names, each with its value."""

    rows: tuple[tuple[str, Words], ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """Items of one list; `numbered` where their order counts."""

    items: tuple[Words, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column heads."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its interval, to be drawn on a line from 0 to 1."""

    label: str
    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Estimates drawn under each other; the table beside them says the same in numbers."""

    caption: str
    rows: tuple[Interval, ...]


Block: TypeAlias = Paragraph | Notice | Pairs | Bullets | Table | Intervals


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; `key` names it in links."""

    key: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A whole card.

    Attributes:
        language: The reader's.
        kind: What the page is, for its title: “Model card”.
        title: The model's own title.
        ref: `name@version`.
        claim: The claim level, in a word or two.
        claim_means: The same in plain words.
        claim_key: The claim level as the manifest writes it.
        contents: The heading of the list of sections.
        sections: In the order in which they are read.
        made: How the card was made.
    """

    language: Language
    kind: str
    title: Words
    ref: str
    claim: str
    claim_means: str
    claim_key: str
    contents: str
    sections: tuple[Section, ...]
    made: tuple[str, ...]
