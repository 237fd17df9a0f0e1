"""`bedside freeze`: from a saved model to a signed package, or to the draft of its spec."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bedside.canonical import Json
from bedside.cli.inspection import tell_metrics
from bedside.cli.options import JsonOption
from bedside.cli.screen import Page, progress, show, steps
from bedside.cli.volume_freezing import Paths, VolumeKind, freeze_volumes
from bedside.errors import Conflict, UsageError

if TYPE_CHECKING:
    from bedside.freezing.freeze import FrozenModel
    from bedside.freezing.model_file import ModelFile


def freeze(  # noqa: PLR0913, PLR0917 - a command's parameters are its options
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="The saved model: .skops, .joblib or .pkl (scikit-learn), .pth or .safetensors "
            "(PyTorch), .onnx, or the folder of an MLflow model; with --meshnet or --monai, the "
            "folder of a network for volumes.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the package (or draft) goes.")],
    spec: Annotated[
        Path | None, typer.Option("--spec", help="What you state about the model (TOML).")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Rows (CSV) or a folder of pictures on which native and frozen are compared.",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Your signing key: `bedside keys new`.")
    ] = None,
    module: Annotated[
        str | None,
        typer.Option(
            "--module",
            metavar="FILE.py:CLASS",
            help="The class of a PyTorch network; your file is run in a process of its own.",
        ),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option("--arg", metavar="NAME=VALUE", help="What the class is constructed with."),
    ] = None,
    init: Annotated[
        bool,
        typer.Option("--init", help="Write a draft of spec.toml from the model and the data."),
    ] = False,
    i_made_this: Annotated[
        bool,
        typer.Option(
            "--i-made-this",
            help="You made the model file yourself. Reading it runs what is inside; "
            "that happens in a process of its own.",
        ),
    ] = False,
    meshnet: Annotated[
        bool,
        typer.Option(
            "--meshnet", help="MODEL is the folder of a MeshNet: model.json and its weights."
        ),
    ] = False,
    monai: Annotated[
        bool,
        typer.Option("--monai", help="MODEL is the folder of a MONAI bundle: configs and models."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Freeze a model into a signed package that gives the same answers everywhere.

    First `--init` writes a draft of the spec, with every question in it; then, without it, the
    model is frozen.
    """
    if meshnet or monai:
        if meshnet and monai:
            raise UsageError("MODEL is either a MeshNet or a MONAI bundle.", advice="Say one.")
        paths = Paths(model, out, spec, key, i_made_this)
        kind: VolumeKind = "monai" if monai else "meshnet"
        if (volumes := freeze_volumes(kind, paths, init=init, as_json=as_json)) and key:
            _tell(volumes, out, key, as_json=as_json)
        return
    from bedside.freezing.model_file import ModelFile

    file = ModelFile(model, i_made_this=i_made_this, module=module, arguments=_arguments(arg or []))
    if init:
        _draft(file, data, out, as_json=as_json)
        return
    if spec is None or data is None or key is None:
        raise UsageError(
            "Freezing needs --spec, --data and --key.",
            advice=f"Begin with a draft: bedside freeze {model} --init --data DATA -o spec.toml",
        )
    from bedside.freezing.isolated import freeze_file

    with steps(f"Freezing {model.name}") as tell:
        made = freeze_file(file, spec, data, key=key, out=out, tell=tell)
    _tell(made, out, key, as_json=as_json)


def _arguments(given: Sequence[str]) -> dict[str, Json]:
    """Return `name=value` pairs; a value is read as JSON where it is some, else it is text.

    Raises:
        UsageError: no name, or the same name twice.
    """
    found: dict[str, Json] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier() or name in found:
            raise UsageError(
                f"--arg {pair!r} is no NAME=VALUE, or the name stands twice.",
                advice="Write it like --arg classes=2, once for each name.",
            )
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _draft(file: ModelFile, data: Path | None, out: Path, *, as_json: bool) -> None:
    """Write the draft of a spec; never over a file that is there."""
    from bedside.freezing.draft.draft import draft_spec
    from bedside.freezing.isolated import model_facts
    from bedside.freezing.output import check_target, write_whole

    check_target(out)
    if out.exists():
        raise Conflict(f"{str(out)!r} is there already.", advice="Give another name with -o.")
    with progress(f"Looking at {file.path.name}"):
        text = draft_spec(data, model_facts(file))
    write_whole(out, text.encode("utf-8"))
    words = [str(file.path), "--spec", str(out), "--data", str(data or "DATA"), "--key", "KEY.pem"]
    words += ["--module", file.module] if file.module else []
    words += ["--i-made-this"] if file.i_made_this else []
    lines = [
        f"{out}: the draft of a spec",
        'Answer every "?", read every line marked # PROPOSED, remove the line `draft = true`.',
        f"Next: bedside freeze {' '.join(words)} -o NAME.bedside",
    ]
    show({"out": str(out)}, lambda page: page.line("\n".join(lines)), as_json=as_json)


def _tell(made: FrozenModel, out: Path, key: Path, *, as_json: bool) -> None:
    manifest = made.package.manifest
    difference = manifest.lineage.difference

    def tell(page: Page) -> None:
        page.line(f"{out}: {manifest.ref}, {out.stat().st_size} bytes", style="bold")
        page.pairs(
            [
                ("digest", made.package.digest),
                ("rows compared", str(difference.rows)),
                ("largest difference", f"{difference.largest:.2g}"),
                ("golden cases", str(manifest.golden.cases)),
            ]
        )
        tell_metrics(page, manifest.evaluation.metrics)
        for note in made.notes:
            page.line(f"Note: {note}")
        page.line(f"Next: bedside verify {out} --trust {key.with_suffix('.pub')}")

    value = {
        "ref": manifest.ref,
        "digest": made.package.digest,
        "out": str(out),
        "difference": difference.model_dump(mode="json"),
        "golden_cases": manifest.golden.cases,
        "compared": [
            {"what": name, "rows": rows, "largest": largest}
            for name, rows, largest in made.report.groups
        ],
        "notes": list(made.notes),
    }
    show(value, tell, as_json=as_json)
