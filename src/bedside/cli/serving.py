"""`bedside decide` and `bedside trace`: what was decided about a prediction, and its full story."""

from __future__ import annotations

from typing import Annotated

import typer

from bedside.canonical import Json
from bedside.cli.door import entered
from bedside.cli.options import (
    DEFAULT_SITE,
    JsonOption,
    KeyFileOption,
    LanguageOption,
    SiteOption,
)
from bedside.cli.screen import Page, show
from bedside.errors import UsageError

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
    prediction: PredictionArgument,
    site: SiteOption = DEFAULT_SITE,
    language: LanguageOption = "en",
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the full story of a prediction; with --json complete, its proofs included."""
    with entered(site, key_file) as (opened, caller):
        found = opened.serving.trace(caller, prediction)
        value, text = found.document(), found.text(language)
    show(value, lambda page: page.line(text), as_json=as_json)
