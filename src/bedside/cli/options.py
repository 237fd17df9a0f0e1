"""The options that mean the same on every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

API_KEY_VARIABLE = "BEDSIDE_API_KEY"
DEFAULT_SITE = Path("site")

SiteOption: TypeAlias = Annotated[Path, typer.Option("--site", help="The site's folder.")]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
]
KeyFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help=f"File with your API key, readable by you alone. Without it: ${API_KEY_VARIABLE}.",
    ),
]
KeyOutOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key-out",
        help="Write the new API key to this file, readable by you alone, instead of showing it.",
    ),
]
LanguageOption: TypeAlias = Annotated[
    Literal["en", "ja"],
    typer.Option("--language", help="Language of the text: en or ja; facts stay as recorded."),
]

WeightsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        envvar="BEDSIDE_WEIGHTS",
        help="Folder of weights that no package holds (`bedside antspynet`).",
    ),
]
PythonOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--antspynet-python",
        envvar="BEDSIDE_ANTSPYNET_PYTHON",
        help="The interpreter in whose environment antspynet is; else this one.",
    ),
]
