"""`bedside freeze`: from an author's own model file to a signed package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bedside.cli.inspection import tell_metrics
from bedside.cli.options import JsonOption
from bedside.cli.screen import Page, progress, show


def freeze(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL.joblib", help="The model, as joblib or pickle wrote it."),
    ],
    spec: Annotated[Path, typer.Option("--spec", help="What you state about the model (TOML).")],
    data: Annotated[
        Path, typer.Option("--data", help="Rows (CSV) on which native and frozen are compared.")
    ],
    key: Annotated[Path, typer.Option("--key", help="Your signing key: `bedside keys new`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the package goes.")],
    i_made_this: Annotated[
        bool,
        typer.Option(
            "--i-made-this",
            help="You made the model file yourself. Reading it runs what is inside; "
            "that happens in a process of its own.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Freeze a scikit-learn model into a signed package that gives the same answers everywhere."""
    from bedside.freezing.isolated import freeze_file

    with progress(f"Freezing {model.name}"):
        package = freeze_file(model, spec, data, i_made_this=i_made_this, key=key, out=out)
    manifest = package.manifest

    def tell(page: Page) -> None:
        difference = manifest.lineage.difference
        page.line(f"{out}: {manifest.ref}, {out.stat().st_size} bytes", style="bold")
        page.pairs(
            [
                ("digest", package.digest),
                ("rows compared", str(difference.rows)),
                ("largest difference", f"{difference.largest:.2g}"),
                ("golden cases", str(manifest.golden.cases)),
            ]
        )
        tell_metrics(page, manifest.evaluation.metrics)
        page.line(f"Next: bedside verify {out} --trust {key.with_suffix('.pub')}")

    value = {
        "ref": manifest.ref,
        "digest": package.digest,
        "out": str(out),
        "difference": manifest.lineage.difference.model_dump(mode="json"),
        "golden_cases": manifest.golden.cases,
    }
    show(value, tell, as_json=as_json)
