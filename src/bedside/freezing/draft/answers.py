"""The parts of a draft that every model has: who it is, what it answers, where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import TypeAlias

from bedside.freezing.draft.asked import ASKED, DATA
from bedside.freezing.draft.facts import ModelFacts, PictureFacts, TableFacts
from bedside.freezing.draft.toml import line, open_line, remark, text, texts, value
from bedside.package.fields import Language

Data: TypeAlias = TableFacts | PictureFacts | None


def identity_lines(model: ModelFacts, languages: tuple[Language, ...]) -> Iterator[str]:
    """Yield name, licence, claim and the words for people."""
    if name := _proposed_name(model.file):
        yield line("name", text(name), f"PROPOSED from the file's name; {ASKED['name']}")
    else:
        yield open_line("name", ASKED["name"])
    yield line("version", text("1.0.0"), f"PROPOSED; {ASKED['version']}")
    yield open_line("licence", ASKED["licence"])
    yield open_line("claim_level", ASKED["claim_level"])
    yield line("languages", texts(languages), f"PROPOSED; {ASKED['languages']}")
    for part in ("title", "intended_use", "not_for"):
        yield ""
        yield f"[{part}]"
        yield from _in_languages(ASKED[part], languages)


def output_lines(model: ModelFacts) -> Iterator[str]:
    """Yield `[output]`: classes that the model names, or the question what it gives."""
    yield "[output]"
    if model.gives == "number":
        yield line("kind", text("number"), "PROPOSED from the model")
        yield open_line("name", ASKED["output.name"])
        yield open_line("unit", ASKED["output.unit"])
        return
    if not model.classes:
        yield from _unknown_output()
        return
    binary = len(model.classes) == 2
    yield line(
        "kind",
        text("binary" if binary else "multiclass"),
        f"PROPOSED from the model: it has {len(model.classes)} classes",
    )
    if binary:
        yield open_line("positive", ASKED["output.positive"])
        yield from _threshold()
    for native in model.classes:
        yield ""
        yield "[[output.classes]]"
        if isinstance(native, str):
            yield line("label", text(native), "PROPOSED from the model")
        else:
            asked = f"the model's own name is {native!r}; {ASKED['output.classes[].label']}"
            yield open_line("label", asked)
        yield remark(f'shown = {{ en = "…", ja = "…" }}   {ASKED["output.classes[].shown"]}')


def native_lines(model: ModelFacts) -> Iterator[str]:
    """Yield `native_classes`, where the model's own names are not the labels."""
    if model.classes:
        told = f"PROPOSED from the model; {ASKED['native_classes']}"
        yield line("native_classes", texts(model.classes), told)


def origin_lines(data: Data) -> Iterator[str]:
    """Yield who trained the model, when, with which code, on which data."""
    yield "[origin]"
    for name in ("trained_by", "trained_at", "code", "split"):
        yield open_line(name, ASKED[f"origin.{name}"])
    yield remark(f"seed = 0   {ASKED['origin.seed']}")
    yield ""
    yield remark("One block for each data set that the model was trained on.")
    yield "[[origin.data]]"
    yield from _data_lines(data)


def evaluation_lines() -> Iterator[str]:
    """Yield the test data and an empty metric."""
    yield remark("The test data: what training never saw.")
    yield "[evaluation.data]"
    yield from _data_lines(None)
    yield ""
    yield remark('One block for each figure; for a part of the people add: subgroup = "women"')
    yield "[[evaluation.metrics]]"
    for name in ("name", "value", "lower", "upper"):
        yield open_line(name, ASKED[f"evaluation.metrics[].{name}"])
    yield line("confidence", "0.95", f"PROPOSED; {ASKED['evaluation.metrics[].confidence']}")
    for name in ("method", "n"):
        yield open_line(name, ASKED[f"evaluation.metrics[].{name}"])


def _data_lines(data: Data) -> Iterator[str]:
    yield open_line("name", DATA["name"])
    if data is None:
        yield open_line("digest", DATA["digest"])
        yield open_line("rows", DATA["rows"])
    else:
        known, rows = (
            (data.file, data.rows) if isinstance(data, TableFacts) else (data.folder, data.pictures)
        )
        told = f"PROPOSED from {known}; is this what the model was trained on?"
        yield line("digest", text(data.digest), told)
        yield line("rows", value(rows), f"PROPOSED from {known}")
    for name in ("licence", "consent_basis", "origin"):
        yield open_line(name, DATA[name])


def _unknown_output() -> Iterator[str]:
    yield open_line("kind", ASKED["output.kind"])
    yield remark("a binary or multiclass model: one block [[output.classes]] for each class")
    yield open_line("positive", f"binary: {ASKED['output.positive']}; else remove this line")
    yield from _threshold("binary: ")
    yield ""
    yield "[[output.classes]]"
    yield open_line("label", ASKED["output.classes[].label"])
    yield ""
    yield "[[output.classes]]"
    yield open_line("label", ASKED["output.classes[].label"])
    yield ""
    yield remark("a number: no classes and no threshold, but in [output]:")
    yield remark(f'name = "…"   {ASKED["output.name"]}')
    yield remark(f'unit = "…"   {ASKED["output.unit"]}')


def _threshold(when: str = "") -> Iterator[str]:
    yield ""
    yield "[output.threshold]"
    yield open_line("value", f"{when}{ASKED['output.threshold.value']}")
    yield line(
        "meaning",
        f"{{ en = {text('?')} }}",
        f"{when}{ASKED['output.threshold.meaning']}",
    )


def _in_languages(asked: str, languages: tuple[Language, ...]) -> Iterator[str]:
    for language in languages:
        yield open_line(language, asked)


def _proposed_name(file: str) -> str:
    """Return a file's name as a model's name, or nothing where no letter of it can stay."""
    stem = PurePath(file).stem.casefold()
    return re.sub(r"[^a-z0-9]+", "-", stem)[:63].strip("-")
