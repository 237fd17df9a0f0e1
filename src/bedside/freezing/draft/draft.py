"""`draft_spec`: a `spec.toml` with every question in it, and what can be seen proposed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bedside.freezing.draft.answers import (
    evaluation_lines,
    identity_lines,
    native_lines,
    origin_lines,
    output_lines,
)
from bedside.freezing.draft.facts import ModelFacts, PictureFacts, TableFacts
from bedside.freezing.draft.network import matrix_lines, network_lines
from bedside.freezing.draft.pictured import image_lines, takes_pictures
from bedside.freezing.draft.pictures import folder_facts
from bedside.freezing.draft.table import table_facts
from bedside.freezing.draft.tabular import field_lines
from bedside.freezing.draft.toml import remark
from bedside.freezing.draft.unanswered import DRAFT, MARK
from bedside.package.fields import Language

HEAD: Final = (
    "The spec of a model: what a package must say, and only its author knows.",
    "",
    f'1. Replace every "{MARK}" by the answer. What stands behind # is the question.',
    "2. Read every line marked # PROPOSED: it was seen in the data or the model, and nobody has",
    "   judged it yet. Correct what is wrong.",
    f"3. Remove the line `{DRAFT} = true`. Until then nothing is frozen from this file.",
    "",
    "Lines that begin with # may be left out. docs/how-to/write-a-spec.md explains each answer.",
)


def draft_spec(data: Path | None = None, model: ModelFacts | None = None) -> str:
    """Return the draft of a spec as TOML.

    Args:
        data: A CSV file with rows of the model's inputs, a folder of pictures, or None.
        model: What the model shows of itself, or None.

    Raises:
        NotFound: there is no file or folder `data`.
        FreezeRefused: it is neither a table nor a folder with a picture that can be read.
        LimitExceeded: it is too large.
    """
    model = model or ModelFacts()
    facts: TableFacts | PictureFacts | None = None
    if data is not None:
        facts = folder_facts(data) if data.is_dir() else table_facts(data)
    return "\n".join(_lines(facts, model)) + "\n"


def _lines(data: TableFacts | PictureFacts | None, model: ModelFacts) -> Iterator[str]:
    for told in (*HEAD, *_about(data, model)):
        yield remark(told).rstrip()
    yield f"{DRAFT} = true"
    yield ""
    yield from native_lines(model)
    yield from identity_lines(model, _languages(data, model))
    yield ""
    table = data if isinstance(data, TableFacts) else None
    pictured = isinstance(data, PictureFacts) or (table is None and takes_pictures(model))
    if pictured:
        yield from image_lines(data if isinstance(data, PictureFacts) else None, model)
    else:
        yield from field_lines(table, model)
    parts = [output_lines(model), origin_lines(data), evaluation_lines()]
    if pictured or model.network or model.inputs:
        parts = [*([] if pictured else [matrix_lines(table, model)]), network_lines(model), *parts]
    for part in parts:
        yield ""
        yield from part


def _about(data: TableFacts | PictureFacts | None, model: ModelFacts) -> Iterator[str]:
    """Yield what was looked at, so that a reader knows where proposals come from."""
    if data is not None or model.file or model.algorithm:
        yield ""
    if model.file or model.algorithm:
        yield f"The model: {', '.join(part for part in (model.file, model.algorithm) if part)}."
    match data:
        case TableFacts():
            yield f"The data: {data.file}, {data.rows} rows, {len(data.columns)} columns."
        case PictureFacts():
            yield f"The data: {data.folder}, {data.pictures} files, {data.decoded} of them looked at."
            for refused in data.refused:
                yield f"Not a picture that can be read: {refused}"


def _languages(data: TableFacts | PictureFacts | None, model: ModelFacts) -> tuple[Language, ...]:
    """Return English, and Japanese where the data or the classes speak it."""
    seen = [str(one) for one in model.classes]
    if isinstance(data, TableFacts):
        seen += [part for column in data.columns for part in (column.name, *column.values)]
    spoken = any(_is_japanese(letter) for one in seen for letter in one)
    return ("en", "ja") if spoken else ("en",)


def _is_japanese(letter: str) -> bool:
    name = unicodedata.name(letter, "")
    return name.startswith(("HIRAGANA", "KATAKANA", "CJK UNIFIED"))
