"""`bedside lab …`: train a task or the demonstration's model; evaluate a package; list data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bedside.cli.lab_rows import evaluate_rows, train_demonstration
from bedside.cli.options import JsonOption
from bedside.cli.packages import PackageArgument, read_package
from bedside.errors import UsageError


def train(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK [NAME=VALUE]...", help="What is trained, and what is set."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The run's folder, new.")] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="A run's folder: go on with it, exactly.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings, TOML.")] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Your signing key: train the demonstration's model into TASK."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the demonstration's split.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Train a task (`bedside lab tasks`), in the background if you like: it goes on where it stopped.

    With --key, the demonstration's breast-cancer model (569 real patients) into a folder.
    """
    from bedside.cli.lab_training import begin_run, resume_run

    said = words or []
    if key is not None:
        if len(said) != 1 or out or resume or config:
            raise UsageError("With --key, say one folder and nothing else.")
        train_demonstration(Path(said[0]), key, seed, as_json=as_json)
    elif resume is not None:
        if out or config:
            raise UsageError("--resume goes on in its folder, with its settings.")
        resume_run(resume, said, as_json=as_json)
    elif said and out is not None:
        begin_run(said[0], said[1:], (out, config), as_json=as_json)
    else:
        raise UsageError(
            "Nothing is asked for.",
            advice="Say a task and --out RUN, or --resume RUN, or a folder and --key KEY; "
            "`bedside lab tasks` lists the tasks.",
        )


def evaluate(  # noqa: PLR0913, PLR0917 - a command's options
    package: PackageArgument,
    data: Annotated[
        Path, typer.Option("--data", help="Labelled rows, CSV or JSON; or a data set's manifest.")
    ],
    label: Annotated[
        str | None, typer.Option("--label", help="Of rows: the column with the true answer.")
    ] = None,
    subgroup: Annotated[
        list[str] | None, typer.Option("--subgroup", help="Of rows: a column to measure within.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A folder for tables, curves and pictures.")
    ] = None,
    mask: Annotated[
        list[str] | None, typer.Option("--mask", help="Of volumes: a class that makes the mask.")
    ] = None,
    value: Annotated[
        list[int] | None, typer.Option("--value", help="A reference's label that is inside.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option("--against", help="A package whose mask is a reference.")
    ] = None,
    orientations: Annotated[
        int, typer.Option("--orientations", min=0, max=47, help="Store each image so many ways.")
    ] = 0,
    regions: Annotated[
        float | None,
        typer.Option("--regions", min=0, help="Count lesions and the like, from so many mL."),
    ] = None,
    pictures: Annotated[
        int, typer.Option("--pictures", min=0, help="Of the worst cases; needs --out.")
    ] = 6,
    as_json: JsonOption = False,
) -> None:
    """Measure a package on labelled rows or on volumes with masks, each run the whole way as when serving.

    Of pictures and volumes, --data is the manifest of a data set (`bedside lab dataset`); of pictures
    --label and --subgroup are facts of its cases.
    """
    opened = read_package(package)
    if opened.manifest.input.kind == "volume":
        from bedside.cli.lab_volumes import Asked, evaluate_volumes

        meant = (tuple(mask or ()), tuple(value or ()))
        asked = Asked(data, out, *meant, orientations, pictures, regions)
        evaluate_volumes(opened, asked, [read_package(one) for one in against or ()], as_json)
        return
    if label is None:
        raise UsageError(
            f"{opened.manifest.ref} answers rows.", advice="Say with --label which column is true."
        )
    evaluate_rows(opened, (data, label), (subgroup or (), out), as_json=as_json)


def tasks(
    task: Annotated[str | None, typer.Argument(metavar="TASK", help="Show its settings.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what can be trained, or all that may be set of a task."""
    from bedside.cli.lab_training import list_tasks, show_settings

    if task is None:
        list_tasks(as_json=as_json)
    else:
        show_settings(task, as_json=as_json)
