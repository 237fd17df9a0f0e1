"""`bedside antspynet`: fetch the library's files, check them, and freeze one of its functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.errors import refused
from bedside.cli.options import JsonOption, PythonOption
from bedside.cli.packages import read_package
from bedside.cli.screen import Page, show, steps
from bedside.errors import ConditionsNotMet, UsageError

if TYPE_CHECKING:
    from bedside.runtime.engines.antspynet.functions import Files, Parameter
    from bedside.runtime.engines.antspynet.weights import WeightFile

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where the library's files lie.")
]
FunctionOption = Annotated[
    str,
    typer.Option("--function", help="The library's function, such as brain_extraction."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter of it, such as modality=t1."),
]
PackageOption = Annotated[
    Path | None,
    typer.Option(
        "--package", help="A .bedside file: the files that it lists are what must be there."
    ),
]


def prefetch(
    folder: FolderArgument,
    function: FunctionOption,
    parameters: SetOption = None,
    images: Annotated[
        int, typer.Option("--images", min=1, max=2, help="Images of one head: 2 for FLAIR and T1.")
    ] = 1,
    python: PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch every file that a function reads, on a connected machine, and write down its digest."""
    from bedside.runtime.engines.antspynet.fetching import prefetch as fetch

    files = _files(function, parameters or [], images)
    with steps(f"Fetching {len(files.names)} files") as tell:
        found = fetch(folder, files, python, tell)
    value = {"folder": str(folder), "files": [_told(one) for one in found]}
    show(value, lambda page: _tell_fetched(page, folder, found), as_json=as_json)


def verify(
    folder: FolderArgument, package: PackageOption = None, as_json: JsonOption = False
) -> None:
    """Check that every file is there and is the one that was written down, or that a package lists."""
    from bedside.runtime.engines.antspynet.fetching import verified
    from bedside.runtime.engines.antspynet.weights import read_record

    files = read_record(folder) if package is None else _listed(package)
    with steps(f"Checking {len(files)} files"):
        wrong = verified(folder, files)
    value: dict[str, Json] = {
        "ok": not any(wrong.values()),
        "files": [{**_told(files[name]), "wrong": text or None} for name, text in wrong.items()],
    }
    show(value, lambda page: _tell_verified(page, files, wrong), as_json=as_json)
    if missing := [name for name, text in wrong.items() if text]:
        raise refused(
            ConditionsNotMet(
                f"{len(missing)} of {len(files)} files are missing or are others: {missing[:10]}.",
                advice="Fetch them on a connected machine (`bedside antspynet prefetch`), and copy "
                "the folder here.",
            )
        )


def freeze(  # noqa: PLR0913, PLR0917 - a command's parameters are its options
    weights: FolderArgument,
    function: FunctionOption,
    spec: Annotated[Path, typer.Option("--spec", help="What you state about the model (TOML).")],
    key: Annotated[Path, typer.Option("--key", help="Your signing key: `bedside keys new`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the package goes.")],
    parameters: SetOption = None,
    python: PythonOption = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help="Of a function that reads films: a folder of them."),
    ] = None,
    finding: Annotated[
        str | None,
        typer.Option("--finding", help="Of films: which finding the package answers."),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option("--memory-gib", min=1, max=128, help="Most that it may take; else 6."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a function into a signed package that lists every file which it reads by its digest."""
    from bedside.freezing.antspynet import chosen_of, freeze_antspynet
    from bedside.freezing.antspynet_films import freeze_films
    from bedside.freezing.circumstances import Circumstances
    from bedside.freezing.spec import read_spec
    from bedside.freezing.volumes.spec import read_volume_spec
    from bedside.keys.signing import SigningKey
    from bedside.runtime.engines.engine import Engines

    bound = None if memory is None else memory * 2**30
    engines, told = Engines(weights, python), _parameters(parameters or [])
    chosen = chosen_of(function, told, engines, memory=bound, finding=finding)
    with steps(f"Freezing {function}") as tell:
        if pictures is None:
            stated = read_volume_spec(spec)
            made = freeze_antspynet(chosen, stated, key=key, out=out, tell=tell)
        else:
            by = Circumstances(SigningKey.load(key), None, tell)
            made = freeze_films(chosen, pictures, read_spec(spec), by, out=out)
    value = {
        "ref": made.package.manifest.ref,
        "digest": made.package.digest,
        "out": str(out),
        "notes": list(made.notes),
    }
    lines = [f"{out}: {made.package.manifest.ref}", made.package.digest, *made.notes]
    show(value, lambda page: page.line("\n".join(lines)), as_json=as_json)


def _files(function: str, parameters: Sequence[str], images: int) -> Files:
    from bedside.runtime.engines.antspynet.engine import needed

    return needed(function, _parameters(parameters), images, upright=True)


def _parameters(given: Sequence[str]) -> dict[str, Parameter]:
    """Return `name=value` pairs; true, false and numbers are read as such.

    Raises:
        UsageError: no name, or the same name twice.
    """
    found: dict[str, Parameter] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier() or name in found:
            raise UsageError(
                f"--set {pair!r} is no NAME=VALUE, or the name stands twice.",
                advice="Write it like --set modality=t1, once for each name.",
            )
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        found[name] = read if isinstance(read, bool | int | float) else value
    return found


def _listed(package: Path) -> dict[str, WeightFile]:
    """Return the files that a package lists.

    Raises:
        UsageError: it does not run ANTsPyNet.
    """
    from bedside.package.antspynet import AntspynetModel
    from bedside.runtime.engines.antspynet.weights import WeightFile

    model = read_package(package).manifest.model
    if not isinstance(model, AntspynetModel):
        raise UsageError(f"{package} does not run ANTsPyNet; it lists no files of it.")
    return {
        name: WeightFile(name, one.size, one.digest, one.origin)
        for name, one in model.weights.items()
    }


def _told(file: WeightFile) -> dict[str, Json]:
    return {"name": file.name, "size": file.size, "digest": file.digest, "origin": file.origin}


def _tell_fetched(page: Page, folder: Path, found: Sequence[WeightFile]) -> None:
    page.table(
        ("file", "bytes", "digest"), [(one.name, str(one.size), one.digest) for one in found]
    )
    page.line(f"Copy {folder} to where it is needed, and check it: bedside antspynet verify FOLDER")


def _tell_verified(page: Page, files: Mapping[str, WeightFile], wrong: Mapping[str, str]) -> None:
    for name, text in wrong.items():
        page.check(not text, text or f"{name}  {files[name].digest}")
