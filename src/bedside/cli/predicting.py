"""`bedside predict`: an answer without a site, or a recorded one from a released model.

Both go through the same gate and the same runtime. Without a site nothing is recorded, and the
answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.door import entered
from bedside.cli.inspection import english
from bedside.cli.options import JsonOption, KeyFileOption
from bedside.cli.packages import read_package
from bedside.cli.rows import read_rows
from bedside.cli.screen import Page, probability, show
from bedside.errors import LimitExceeded, UsageError

if TYPE_CHECKING:
    from bedside.package.manifest import Manifest
    from bedside.runtime.postprocess import Answer
    from bedside.serving.values import Prediction

UNRECORDED = "UNRECORDED, not for clinical use"

SourceArgument = Annotated[
    str, typer.Argument(metavar="ROWS", help="A .json or .csv file, or - for JSON on stdin.")
]
SubjectOption = Annotated[
    str | None,
    typer.Option("--subject", help="A pseudonym of the person; only with --site and one row."),
]


def predict(
    model: Annotated[
        str, typer.Argument(metavar="PKG|MODEL", help="A .bedside file; with --site, a model.")
    ],
    rows: SourceArgument,
    subject: SubjectOption = None,
    site: Annotated[
        Path | None,
        typer.Option("--site", help="The site that answers and records; without it, neither."),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict for one or many rows; with --site by the released version, and recorded."""
    if site is not None:
        _predict_recorded(model, rows, subject, (site, key_file), as_json=as_json)
        return
    if subject is not None:
        raise UsageError(
            "A subject was given, and nothing is recorded without a site.",
            advice="Leave --subject out, or name a site with --site.",
        )
    _predict_unrecorded(Path(model), rows, as_json=as_json)


def _predict_unrecorded(path: Path, source: str, *, as_json: bool) -> None:
    from bedside.runtime.runner import load

    package = read_package(path)
    rows = read_rows(source, package.manifest.input)
    answers = load(package).predict(rows)
    spoken = [_spoken(answer, package.manifest) for answer in answers]
    document = _use(package.manifest, package.digest) | {
        "recorded": False,
        "warning": UNRECORDED,
        "predictions": spoken,
    }

    def tell(page: Page) -> None:
        page.line(UNRECORDED, style="bold red")
        _tell_answers(page, package.manifest, spoken)

    show(document, tell, as_json=as_json)


def _predict_recorded(
    model: str,
    source: str,
    subject: str | None,
    place: tuple[Path, Path | None],
    *,
    as_json: bool,
) -> None:
    from bedside.people.permissions import Action
    from bedside.serving.values import Row

    with entered(*place) as (opened, caller):
        opened.people.require(caller, Action.PREDICT, model)  # before the file is looked at
        manifest = opened.serving.models.fetch(model).manifest
        inputs = read_rows(source, manifest.input)
        _refuse_many(len(inputs), opened.settings.limits.rows, subject)
        rows = [Row(each, subject) for each in inputs]
        predictions = opened.serving.predict_now(caller, model, rows)
    answered = predictions[0]
    spoken = [_spoken(one, one.manifest) | _record(one) for one in predictions]
    document = _use(answered.manifest, answered.package) | {
        "recorded": True,
        "predictions": spoken,
    }
    show(document, lambda page: _tell_answers(page, answered.manifest, spoken), as_json=as_json)


def _refuse_many(rows: int, limit: int, subject: str | None) -> None:
    if rows > limit:
        raise LimitExceeded(
            f"{rows} rows at once; this site takes {limit}.",
            advice="Split the file, or raise limits.rows in site.toml.",
        )
    if subject is not None and rows != 1:
        raise UsageError(
            f"One subject was given for {rows} rows.", advice="Predict for one person at a time."
        )


def _use(manifest: Manifest, digest: str) -> dict[str, Json]:
    return {
        "model": manifest.name,
        "version": manifest.version,
        "package": digest,
        "use": {
            "claim_level": manifest.claim_level,
            "intended_use": dict(manifest.intended_use),
            "not_for": dict(manifest.not_for),
        },
    }


def _spoken(answer: Answer | Prediction, manifest: Manifest) -> dict[str, Json]:
    output = manifest.postprocessing
    classes = () if output.kind == "number" else output.classes
    shown = next((dict(one.shown) for one in classes if one.label == answer.label), {})
    return {
        "label": answer.label,
        "shown": shown,
        "scores": dict(answer.scores),
        "threshold": answer.threshold,
    }


def _record(prediction: Prediction) -> dict[str, Json]:
    return {
        "id": prediction.id,
        "recorded": {"index": prediction.index, "at": prediction.at},
    }


def _tell_answers(page: Page, manifest: Manifest, spoken: Sequence[dict[str, Json]]) -> None:
    page.line(f"{manifest.ref} ({manifest.claim_level}), {english(manifest.title)}")
    output = manifest.postprocessing
    unit = f" {output.unit}" if output.kind == "number" else ""
    for position, answer in enumerate(spoken):
        scores = ", ".join(
            f"{name} {value:.4g}{unit}"
            if output.kind == "number"
            else f"{name} {probability(value)}"
            for name, value in answer["scores"].items()
        )
        words = english(answer["shown"])
        label = f"{answer['label']}{f' ({words})' if words else ''}: " if answer["label"] else ""
        mark = "" if answer["threshold"] is None else f"; threshold {answer['threshold']:g}"
        page.line(f"row {position}  {label}{scores}{mark}", style="bold")
        if "id" in answer:
            page.line(f"       prediction {answer['id']}, recorded {answer['recorded']['at']}")
    page.line(f"Not for: {english(manifest.not_for)}")
