"""`bedside decide` and `bedside trace`: what was decided about a prediction, and its full story."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bedside.canonical import Json, read_json
from bedside.cli.door import entered
from bedside.cli.options import (
    DEFAULT_SITE,
    JsonOption,
    KeyFileOption,
    LanguageOption,
    SiteOption,
)
from bedside.cli.screen import Page, show
from bedside.errors import LimitExceeded, NotFound, UsageError

MAX_TRACE_BYTES = 64 * 2**20
"""A trace of a thousand decisions stays far below this."""

PredictionArgument = Annotated[
    str, typer.Argument(metavar="PREDICTION", help="Id of a recorded prediction.")
]


def decide(
    prediction: PredictionArgument,
    verdict: Annotated[
        str, typer.Argument(metavar="VERDICT", help="agree, disagree or corrected.")
    ],
    label: Annotated[
        str | None, typer.Option("--label", help="With corrected: the label that is right.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; needed unless the verdict is agree.")
    ] = "",
    site: SiteOption = DEFAULT_SITE,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record what the physician finally decided about a prediction."""
    from bedside.serving.values import Decision, Verdict

    verdicts = [one.value for one in Verdict]
    if verdict not in verdicts:
        raise UsageError(
            f"{verdict!r} is not a verdict.", advice=f"Choose from {', '.join(verdicts)}."
        )
    decision = Decision(Verdict(verdict), label, reason)
    with entered(site, key_file) as (opened, caller):
        recorded = opened.serving.decide(caller, prediction, decision)
    value: dict[str, Json] = {
        "prediction": prediction,
        "verdict": recorded.verdict.value,
        "label": recorded.label,
        "recorded": {"index": recorded.index, "at": recorded.at},
    }

    def tell(page: Page) -> None:
        stands = recorded.label or "none of the model's labels"
        page.line(f"Recorded at {recorded.at}: {recorded.verdict.value}; what stands: {stands}.")

    show(value, tell, as_json=as_json)


def trace(
    prediction: Annotated[
        str,
        typer.Argument(
            metavar="PREDICTION",
            help="Id of a prediction or an analysis; with --public-key, a file that --json wrote.",
        ),
    ],
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", help="Check a kept trace with the ledger's public key alone."),
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    language: LanguageOption = "en",
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the full story of a prediction, with --json complete; or check one that was kept."""
    if public_key is not None:
        _check_kept(Path(prediction), public_key, as_json=as_json)
        return
    with entered(site, key_file) as (opened, caller):
        found = opened.serving.trace(caller, prediction)
        value, text = found.document(), found.text(language)
    show(value, lambda page: page.line(text), as_json=as_json)


def _check_kept(path: Path, public_key: Path, *, as_json: bool) -> None:
    from bedside.keys.signing import PublicKey
    from bedside.serving.trace import verify_trace

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", advice="Write one: bedside trace ID --json.")
    if path.stat().st_size > MAX_TRACE_BYTES:
        raise LimitExceeded(f"{path} has more than {MAX_TRACE_BYTES} bytes; no trace is so long.")
    verdict = verify_trace(read_json(path.read_bytes()), PublicKey.load(public_key))
    value: dict[str, Json] = {
        "ok": True,
        "entries": verdict.entries,
        "size": verdict.size,
        "package": verdict.package,
    }

    def tell(page: Page) -> None:
        page.check(True, f"{verdict.entries} events stand under a head over {verdict.size} entries")
        if verdict.package:
            page.check(True, f"the manifest is the one that answered, {verdict.package}")

    show(value, tell, as_json=as_json)
