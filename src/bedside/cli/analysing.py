"""`bedside analyse`: a volume, or a folder of many, to mask, probability, measurements and picture.

Without a site the answer is gated by the same gate, nothing is recorded, and everything that comes
of it says so. With a site it is a job of the site, recorded like any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bedside.cli.options import JsonOption, KeyFileOption, PythonOption, WeightsOption
from bedside.cli.screen import on_one_line
from bedside.cli.shipped import BRAIN
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.imaging.folders import Found

SourceArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="A NIfTI or enhanced DICOM file, a zip or a folder of DICOM slices; or a folder of many "
        "of these.",
    ),
]
OutOption = Annotated[
    Path, typer.Option("-o", "--out", help="The folder for what comes of it; made where missing.")
]
PackageOption = Annotated[
    Path | None,
    typer.Option(
        "--package",
        help="The .bedside file that analyses, unrecorded; else brain-extraction, which comes with Bedside.",
    ),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="With --site: the model whose release analyses.")
]
SiteChoice = Annotated[
    Path | None,
    typer.Option("--site", help="The site that answers and records; without it, neither."),
]
SubjectOption = Annotated[
    str | None,
    typer.Option("--subject", help="A pseudonym of the person; only with --site and one volume."),
]
ModalityOption = Annotated[
    str | None, typer.Option("--modality", help="Of a file that does not say it: MR, CT, …")
]
BodyPartOption = Annotated[
    str | None, typer.Option("--body-part", help="Of a file that does not say it: HEAD, …")
]
SeriesOption = Annotated[
    str | None, typer.Option("--series", help="Which DICOM series: the end of its UID.")
]
RuleOption = Annotated[
    Literal["only", "only-volumetric", "largest"],
    typer.Option("--rule", help="Which of several DICOM series: only, only-volumetric, largest."),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", help="Of a folder of many: how many at once; else as many as fit."),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray", metavar="ADDRESS", help="Of a folder of many: spread over a Ray cluster."
    ),
]
PictureLanguage = Annotated[
    Literal["en", "ja"] | None, typer.Option("--language", help="Of the picture's words: en or ja.")
]
ConventionOption = Annotated[
    Literal["radiological", "neurological"] | None,
    typer.Option(
        "--convention",
        help="Of the picture: the patient's right at its left (radiological) or right (neurological).",
    ),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Analyse anew what the folder holds results of already.")
]


def analyse(  # noqa: PLR0913, PLR0917 - a command's parameters are its options
    path: SourceArgument,
    out: OutOption,
    package: PackageOption = None,
    model: ModelOption = None,
    site: SiteChoice = None,
    key_file: KeyFileOption = None,
    subject: SubjectOption = None,
    modality: ModalityOption = None,
    body_part: BodyPartOption = None,
    series: SeriesOption = None,
    rule: RuleOption = "only",
    jobs: JobsOption = None,
    ray: RayOption = None,
    language: PictureLanguage = None,
    convention: ConventionOption = None,
    again: AgainOption = False,
    weights: WeightsOption = None,
    antspynet_python: PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse a volume, or a folder of many: mask, probability, measurements and picture."""
    from bedside.cli.analysing_many import analyse_folder, analyse_folder_recorded
    from bedside.cli.analysing_one import Wish, analyse_one, analyse_recorded
    from bedside.runtime.engines.engine import Engines
    from bedside.serving.analysis_words import Order

    order = Order(
        subject, modality, body_part, series, rule, language=language, convention=convention
    )
    wish = Wish(path, out, order, Engines(weights, antspynet_python), again)
    many = _many(path, out, wanted=jobs is not None or ray is not None)
    if site is not None:
        where = (_released(model, package, ray), site, key_file)
        if many is None:
            analyse_recorded(wish, where, as_json=as_json)
        else:
            _check_many(subject)
            analyse_folder_recorded(many, wish, where, jobs, as_json=as_json)
        return
    found = _check_package(package, model, subject)
    if many is None:
        analyse_one(wish, found, as_json=as_json)
    else:
        analyse_folder(many, wish, found, (jobs, ray), as_json=as_json)


def _many(path: Path, out: Path, *, wanted: bool) -> tuple[Found, ...] | None:
    """Return the volumes of a folder of many, or None where there is one."""
    from bedside.imaging.folders import volumes_in

    if not path.is_dir():
        if wanted:
            raise UsageError(
                "--jobs and --ray are for a folder of many volumes.", advice="Leave them out."
            )
        return None
    if out.resolve() == path.resolve():
        raise _among(path)
    found = volumes_in(path, out)
    if not wanted and len(found) == 1:
        return None
    if path.resolve().is_relative_to(out.resolve()):
        raise _among(path)
    return found


def _among(path: Path) -> UsageError:
    return UsageError(
        f"The results would lie among the volumes of {on_one_line(str(path))}.",
        advice="Name a folder beside it, or one in it, with -o.",
    )


def _check_package(package: Path | None, model: str | None, subject: str | None) -> Path:
    if model is not None:
        raise UsageError(
            "A model was named, and no site that has it released.",
            advice="Say --site DIR with --model; or --package FILE.bedside, and no model.",
        )
    if subject is not None:
        raise UsageError(
            "A subject was given, and nothing is recorded without a site.",
            advice="Leave --subject out, or name a site with --site.",
        )
    return BRAIN if package is None else package


def _released(model: str | None, package: Path | None, ray: str | None) -> str:
    if model is None or package is not None:
        raise UsageError(
            "A site answers with what is released there.",
            advice="Name the model with --model, and leave --package out.",
        )
    if ray is not None:
        raise UsageError(
            "A site does its jobs on its own machine.", advice="Leave --ray out, or --site."
        )
    return model


def _check_many(subject: str | None) -> None:
    if subject is not None:
        raise UsageError(
            "One subject was given for a folder of many.",
            advice="Analyse the volumes of one person at a time, each by itself.",
        )
