"""The events of plain predictions, spelled from templates that are made once per release.

A template is cut from what `serving.recording` says of one made-up prediction, so there is one place
that knows what an event holds. What differs from answer to answer is a hole in it. Filling the holes
gives the bytes that the long way gives; a property test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from bedside.canonical import Json, canonical_bytes
from bedside.keys.subjects import SubjectKey
from bedside.ledger.events import Draft, EventKind, Fence, Spelled
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.package.manifest import Manifest
from bedside.package.outputs import Output
from bedside.people.person import Caller, Person
from bedside.registry.release import Release
from bedside.runtime.plain_gate import values_of
from bedside.runtime.postprocess import Answer
from bedside.serving.recording import Asked, prediction_draft
from bedside.serving.values import Row

_HOLE: Final = "⟨bedside hole⟩"
_MICROSECONDS: Final = 8_730_264_951_137_642
_ROW: Final = 6_214_830_957_204_411
_ROWS: Final = 4_907_315_862_048_733
_SCORE: Final = 5_103_948_276_300_000
"""Numbers that stand for what is not known yet; a template that holds them elsewhere is refused."""


def cut(spelled: str, holes: Sequence[str]) -> str:
    """Return `spelled` as a %-template with a `%s` for each of `holes`, in their order.

    Raises:
        ValueError: one of them is not there exactly once, or not behind the one before.
    """
    template, end = [], 0
    for hole in holes:
        if spelled.count(hole) != 1 or (start := spelled.find(hole, end)) < 0:
            raise ValueError(f"{hole!r} cannot be cut out.")
        template.append(spelled[end:start].replace("%", "%%"))
        end = start + len(hole)
    return "%s".join([*template, spelled[end:].replace("%", "%%")])


def number_tokens(values: Sequence[float | int]) -> list[str]:
    """Return the canonical spelling of each number.

    `repr` of a whole list costs little more than of one; RFC 8785 spells otherwise only where there is an
    exponent, a zero behind the point, or a negative zero.
    """
    text = repr(list(values))[1:-1]
    if "e" in text or "-0.0" in text or not values:
        return [_token(value) for value in values]
    return (text + ",").replace(".0,", ",")[:-1].split(", ")


class RowSpelling:
    """A plain row's canonical text, as it is and inside a JSON string.

    A row is plain where `runtime.plain_gate` says so.
    """

    __slots__ = ("_codes", "_escaped", "_names", "_numbers", "_order", "_text")

    def __init__(self, declared: TabularInput) -> None:
        """Compile the template of a row.

        Raises:
            ValueError: a field is named like a hole.
        """
        numbers = [one.name for one in declared.fields if isinstance(one, NumberField)]
        codes = [one for one in declared.fields if isinstance(one, CategoryField)]
        placed = {
            name: place for place, name in enumerate([*numbers, *(one.name for one in codes)])
        }
        self._numbers = values_of(numbers)
        self._names = tuple(one.name for one in codes)
        self._codes = tuple(
            {code: (_token(code), _within_text(_token(code))) for code in one.categories}
            for one in codes
        )
        holes = {name: f"{_HOLE}{place:06d}" for name, place in placed.items()}
        spelled = canonical_bytes(holes).decode()
        ordered = sorted(placed, key=lambda name: spelled.find(f'"{holes[name]}"'))
        self._text = cut(spelled, [f'"{holes[name]}"' for name in ordered])
        # a name may hold a percent sign, which stands twice in the template; escaping leaves it so
        self._escaped = _within_text(self._text)
        self._order = _picker([placed[name] for name in ordered])

    def __call__(self, row: dict[str, Json]) -> tuple[str, str]:
        """Return the canonical text of a plain row, and the same within a JSON string."""
        numbers = number_tokens(self._numbers(row))
        if not self._codes:
            tokens = self._order(numbers)
            return self._text % tokens, self._escaped % tokens
        codes = [known[row[name]] for name, known in zip(self._names, self._codes, strict=True)]
        plain = self._order([*numbers, *(one[0] for one in codes)])
        within = self._order([*numbers, *(one[1] for one in codes)])
        return self._text % plain, self._escaped % within


@dataclass(frozen=True, slots=True)
class Said:
    """One plain prediction, before it is spelled.

    Attributes:
        row: What was asked.
        answer: What was answered.
        key: Seals the personal part.
        microseconds: From the request to the answer.
        fences: What must still be so when it is recorded.
    """

    row: Row
    answer: Answer
    key: SubjectKey
    microseconds: int
    fences: tuple[Fence, ...]


class PredictionSpelling:
    """The events of one release's plain predictions. Safe to use from several threads."""

    __slots__ = ("_body", "_labels", "_names", "_row", "_sealed")

    def __init__(self, release: Release, declared: TabularInput, output: Output) -> None:
        """Compile the templates of a release.

        Raises:
            ValueError: its manifest holds what the templates use for their holes.
        """
        self._row = RowSpelling(declared)
        self._names = _score_names(output)
        self._labels = {label: _token(label) for label in _labels(output)}
        key = SubjectKey("", bytes(32))
        draft = _made_up(release, output, self._names, key)
        text = canonical_bytes({_HOLE: 0}).decode()
        body = canonical_bytes(dict(draft.body)).decode()
        counted = [str(one) for one in (_MICROSECONDS, _ROW, _ROWS)]
        self._body = cut(body, [key.digest(text.encode()), f'"{_HOLE}"', *counted])
        scores = [str(_SCORE + place) for place in range(2 * len(self._names))]
        sealed = canonical_bytes(draft.sealed).decode()
        self._sealed = cut(sealed, [_within_text(text), *scores, f'"{_HOLE}"'])

    def event(
        self, caller: Caller, ids: tuple[str, str], said: Said, place: tuple[int, int] = (0, 1)
    ) -> Spelled:
        """Return the event of one plain prediction, as `recording.prediction_draft` would.

        Args:
            caller: Who asked.
            ids: Of the prediction, and of the event.
            said: The rest.
            place: The row's position in its request, and how many rows that has.
        """
        row, answer, key = said.row, said.answer, said.key
        text, within = self._row(row.input)
        names = self._names
        raw, scores = answer.raw, answer.scores
        numbers = number_tokens([*(raw[name] for name in names), *(scores[name] for name in names)])
        label = self._labels[answer.label]
        body = self._body % (key.digest(text.encode()), label, said.microseconds, *place)
        sealed = self._sealed % (within, *numbers, _token(row.subject))
        return Spelled(
            kind=EventKind.PREDICTION,
            about=ids[0],
            actor=caller.person.id,
            door=caller.door,
            body=body.encode(),
            id=ids[1],
            sealed=sealed.encode(),
            subject_key=key,
            fences=said.fences,
            credential=caller.credential,
        )


def spelling_of(release: Release, manifest: Manifest) -> PredictionSpelling | None:
    """Return the templates of a release; None where each event must be spelled the long way."""
    if not isinstance(manifest.input, TabularInput):
        return None
    try:
        return PredictionSpelling(release, manifest.input, manifest.row_output)
    except ValueError:
        return None  # a name in it looks like a hole


def _made_up(release: Release, output: Output, names: Sequence[str], key: SubjectKey) -> Draft:
    """Return the event of a prediction in which everything that differs is a hole."""
    nobody = Caller(Person("-", "-", frozenset(), True, ""), "-", "-")
    raw = {name: float(_SCORE + place) for place, name in enumerate(names)}
    scores = {name: float(_SCORE + len(names) + place) for place, name in enumerate(names)}
    threshold = output.threshold.value if output.kind == "binary" else None
    answer = Answer(label=_HOLE, scores=scores, threshold=threshold, raw=raw)
    asked = Asked(nobody, release, _ROWS, _MICROSECONDS)
    return prediction_draft(asked, "-", (_ROW, Row({_HOLE: 0}, _HOLE)), answer, key)


def _labels(output: Output) -> list[str | None]:
    return [None] if output.kind == "number" else [one.label for one in output.classes]


def _score_names(output: Output) -> tuple[str, ...]:
    """Return the names of the scores in canonical order. Source: RFC 8785, section 3.2.3."""
    names = [output.name] if output.kind == "number" else [one.label for one in output.classes]
    return tuple(sorted(names, key=lambda name: name.encode("utf-16be")))


def _token(value: Json) -> str:
    return canonical_bytes(value).decode()


def _within_text(text: str) -> str:
    """Return `text` as it stands within a JSON string."""
    return _token(text)[1:-1]


def _picker(order: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if len(order) == 1:
        return lambda values: (values[order[0]],)
    return itemgetter(*order)
