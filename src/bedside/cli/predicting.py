"""`bedside predict`: an answer without a site, or a recorded one from a released model.

Both go through the same gate and the same runtime. Without a site nothing is recorded, and the
answer says so. Pictures are answered one by one, so that one that is refused keeps no other back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from bedside.canonical import Json
from bedside.cli.answers import spoken, tell_answer
from bedside.cli.door import entered
from bedside.cli.errors import REFUSED, document
from bedside.cli.inspection import english
from bedside.cli.options import JsonOption, KeyFileOption
from bedside.cli.packages import read_package
from bedside.cli.pictures import (
    STDIN,
    heat_map_path,
    picture_files,
    picture_row,
    write_heat_map,
)
from bedside.cli.rows import read_rows
from bedside.cli.screen import Page, complain, on_one_line, show
from bedside.errors import BedsideError, InputRefused, LimitExceeded, NotFound, UsageError

if TYPE_CHECKING:
    from bedside.package.manifest import Manifest
    from bedside.runtime.postprocess import Answer
    from bedside.serving.values import Prediction

UNRECORDED = "UNRECORDED, not for clinical use"

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="ROWS|PICTURES",
        help="A .json or .csv file, or - for JSON on stdin; for a model of pictures a PNG, JPEG or "
        "DICOM file, or a folder of them.",
    ),
]
SubjectOption = Annotated[
    str | None,
    typer.Option("--subject", help="A pseudonym of the person; only with --site and one input."),
]
ModalityOption = Annotated[
    str | None, typer.Option("--modality", help="Of a picture that does not say it: DX, CR, …")
]
BodyPartOption = Annotated[
    str | None, typer.Option("--body-part", help="Of a picture that does not say it: CHEST, …")
]
ViewOption = Annotated[
    str | None, typer.Option("--view", help="Of a picture that does not say it: PA, AP, …")
]
ExplainOption = Annotated[
    bool,
    typer.Option("--explain", help="Say why: a bar for each field; of pictures see --heat-map."),
]
HeatMapOption = Annotated[
    Path | None,
    typer.Option(
        "--heat-map",
        help="Explain, and write the heat map of a picture to this PNG file (of a folder of "
        "pictures: into this folder).",
    ),
]


@dataclass(frozen=True)
class Wish:
    """What is asked of a model.

    Attributes:
        source: Where the inputs are.
        stated: What is said beside a picture.
        subject: The person it is about, or None.
        explain: Whether to say why.
        heat_map: Where heat maps go, or None.
    """

    source: str
    stated: dict[str, str]
    subject: str | None
    explain: bool
    heat_map: Path | None


@dataclass(frozen=True)
class Model:
    """A model that answers: its manifest and digest, the function, and most rows at once."""

    manifest: Manifest
    digest: str
    answers: Callable[[Sequence[Json]], Sequence[Answer | Prediction]]
    recorded: bool
    rows: int | None = None


class Answered(NamedTuple):
    """One answer, or one refusal: by which package, about what, and as JSON."""

    manifest: Manifest
    digest: str
    name: str
    value: dict[str, Json]


def predict(  # noqa: PLR0913, PLR0917 - a command's parameters are its options
    model: Annotated[
        str, typer.Argument(metavar="PKG|MODEL", help="A .bedside file; with --site, a model.")
    ],
    rows: SourceArgument,
    subject: SubjectOption = None,
    modality: ModalityOption = None,
    body_part: BodyPartOption = None,
    view: ViewOption = None,
    explain: ExplainOption = False,
    heat_map: HeatMapOption = None,
    site: Annotated[
        Path | None,
        typer.Option("--site", help="The site that answers and records; without it, neither."),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict for one or many inputs; with --site by the released version, and recorded."""
    said = {"modality": modality, "body_part": body_part, "view": view}
    stated = {name: value for name, value in said.items() if value is not None}
    wish = Wish(rows, stated, subject, explain or heat_map is not None, heat_map)
    with _opened(model, wish, site, key_file) as found:
        if found.manifest.input.kind == "volume":
            raise found.manifest.no_rows()
        if found.manifest.input.kind == "image":
            answered = _pictures(found, wish, as_json=as_json)
        else:
            answered = _rows(found, wish)
    _show(answered, recorded=found.recorded, as_json=as_json)
    _complain(answered)


def _complain(answered: Sequence[Answered]) -> None:
    """Say on stderr how much is missing of what was asked for, and exit with it."""
    refused = sum("error" in one.value for one in answered)
    unwritten = sum(isinstance(one.value.get("heat_map"), dict) for one in answered)
    if refused:
        complain(f"{refused} of {len(answered)} pictures were refused.", "See the reasons above.")
    if unwritten:
        complain(f"{unwritten} heat maps could not be written.", "See the reasons above.")
    if refused or unwritten:
        raise typer.Exit(REFUSED)


@contextmanager
def _opened(model: str, wish: Wish, site: Path | None, key_file: Path | None) -> Iterator[Model]:
    """Give what answers: the package in a file, or the released version of a site."""
    if site is None:
        if wish.subject is not None:
            raise UsageError(
                "A subject was given, and nothing is recorded without a site.",
                advice="Leave --subject out, or name a site with --site.",
            )
        yield _package(Path(model), wish)
        return
    from bedside.people.permissions import Action
    from bedside.serving.values import Row

    with entered(site, key_file) as (opened, caller):
        opened.people.require(caller, Action.PREDICT, model)  # before the file is looked at
        loaded = opened.serving.models.fetch(model)

        def answers(inputs: Sequence[Json]) -> Sequence[Prediction]:
            rows = [Row(each, wish.subject) for each in inputs]
            return opened.serving.predict_now(caller, model, rows, explain=wish.explain)

        limit = opened.settings.limits.rows
        yield Model(loaded.manifest, loaded.release.digest, answers, True, limit)


def _package(path: Path, wish: Wish) -> Model:
    from bedside.runtime.runner import load

    package = read_package(path)
    runner = load(package)

    def answers(inputs: Sequence[Json]) -> Sequence[Answer]:
        return runner.predict(inputs, explain=wish.explain)

    return Model(package.manifest, package.digest, answers, False)


def _rows(model: Model, wish: Wish) -> list[Answered]:
    """Return the answers to the rows of a file, all or none."""
    declared = model.manifest.input
    if wish.stated or wish.heat_map is not None or declared.kind != "tabular":
        raise UsageError(
            f"{model.manifest.ref} takes rows of fields; a picture was spoken of.",
            advice="Leave out --modality, --body-part, --view and --heat-map.",
        )
    inputs = read_rows(wish.source, declared)
    if model.rows is not None:
        _refuse_many(len(inputs), model.rows, wish.subject)
    answers = model.answers(inputs)
    return [_answered(model, one, f"row {place}") for place, one in enumerate(answers)]


def _pictures(model: Model, wish: Wish, *, as_json: bool) -> list[Answered]:
    """Return the answers to pictures; in a folder, a refusal stands in the place of its answer."""
    files = picture_files(wish.source)
    if wish.subject is not None and len(files) > 1:
        raise UsageError(
            f"One subject was given for {len(files)} pictures.",
            advice="Predict for one person at a time.",
        )
    if wish.explain and wish.heat_map is None and not as_json:
        raise UsageError(
            "The explanation of a picture is a picture.",
            advice="Say with --heat-map where it goes; with --json it stands in the document.",
        )
    folder = wish.source != STDIN and Path(wish.source).is_dir()
    heats: list[Path | None] = [None] * len(files)
    if wish.heat_map is not None:  # all places are looked at before anything is predicted
        heats = [heat_map_path(wish.heat_map, file, folder=folder) for file in files]
    found: list[Answered] = []
    for file, heat in zip(files, heats, strict=True):
        try:
            found.append(_picture(model, file, wish.stated, heat))
        except BedsideError as problem:
            told = _about(file, problem, alone=not folder)
            if not folder or not (found or isinstance(problem, _OF_ONE)):
                raise told from problem
            value = {"file": _readable(file)} | document(told)
            found.append(Answered(model.manifest, model.digest, file, value))
    return found


_OF_ONE = (InputRefused, LimitExceeded, NotFound)
"""What is wrong with one picture, and not with all of them."""


def _picture(model: Model, file: str, stated: dict[str, str], heat: Path | None) -> Answered:
    """Return the answer to one picture; a heat map that cannot be written does not take it away."""
    (answer,) = model.answers([picture_row(file, stated)])
    answered = _answered(model, answer, file)
    answered.value["file"] = _readable(file)
    if heat is not None:
        try:
            answered.value["heat_map"] = _readable(write_heat_map(answer.explanation, heat))
        except UsageError as problem:
            answered.value["heat_map"] = document(problem)
    return answered


def _about(file: str, problem: BedsideError, *, alone: bool) -> BedsideError:
    """Return what is wrong in the words of whoever named a file; of one alone, with its name."""
    if isinstance(problem, InputRefused):
        from bedside.serving.pictured import refused_file

        problem = refused_file(problem)
    if alone and isinstance(problem, _OF_ONE):
        problem.message = f"{on_one_line(file)}: {problem.message}"
    return problem


def _readable(file: str) -> str:
    """Return the name of a file as text that every encoding of Unicode can carry."""
    return file.encode("utf-8", "backslashreplace").decode("utf-8")


def _answered(model: Model, answer: Answer | Prediction, name: str) -> Answered:
    from bedside.serving.values import Prediction

    if not isinstance(answer, Prediction):
        return Answered(model.manifest, model.digest, name, spoken(answer, model.manifest))
    manifest = answer.manifest  # of the version that answered, should a release have come between
    recorded = {"id": answer.id, "recorded": {"index": answer.index, "at": answer.at}}
    return Answered(manifest, answer.package, name, spoken(answer, manifest) | recorded)


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


def _show(answered: Sequence[Answered], *, recorded: bool, as_json: bool) -> None:
    first = answered[0]
    value = _use(first.manifest, first.digest) | {"recorded": recorded}
    if not recorded:
        value["warning"] = UNRECORDED
    value["predictions"] = [one.value for one in answered]

    def tell(page: Page) -> None:
        if not recorded:
            page.line(UNRECORDED, style="bold red")
        manifest = first.manifest
        page.line(f"{manifest.ref} ({manifest.claim_level}), {english(manifest.title)}")
        for one in answered:
            if "error" in one.value:
                said = f"{one.name}  refused: {one.value['error']['message']}"
                page.line(on_one_line(said), style="red")
            else:
                tell_answer(page, one.manifest, one.value, one.name)
        page.line(f"Not for: {english(manifest.not_for)}")

    show(value, tell, as_json=as_json)


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
