"""What stands in a model card, from a manifest alone.

The headings follow Mitchell et al. 2019, “Model Cards for Model Reporting” (FAT* 2019), with two
more: how a frozen model decides, and what holds it to its answers.
"""

from __future__ import annotations

from bedside.canonical import digest
from bedside.package.card.decides import decision
from bedside.package.card.parts import Card, Pairs, Section, Words
from bedside.package.card.rests import (
    analyses,
    caveats,
    ethics,
    evaluation,
    freezing,
    metrics,
    training,
)
from bedside.package.card.takes import factors
from bedside.package.card.words.speaker import Speaker
from bedside.package.fields import Language
from bedside.package.manifest import Manifest, write_manifest
from bedside.package.parameters import parameters_in_words


def card_content(manifest: Manifest, language: Language) -> Card:
    """Return the card of a package in `language`; the same manifest gives the same card."""
    say = Speaker(language)
    level = manifest.claim_level
    return Card(
        language=language,
        kind=say("kind"),
        title=say.author(manifest.title),
        ref=manifest.ref,
        claim=say(f"claim-{level}"),
        claim_means=say(f"means-{level}"),
        claim_key=level,
        contents=say("contents"),
        sections=(
            _details(manifest, say),
            _use(manifest, say),
            factors(manifest, say),
            decision(manifest, say),
            metrics(manifest, say),
            evaluation(manifest, say),
            training(manifest, say),
            analyses(manifest, say),
            ethics(manifest, say),
            caveats(manifest, say),
            freezing(manifest, say),
        ),
        made=(
            say("made"),
            say("made-digest", digest=digest(write_manifest(manifest))),
            say("made-headings"),
        ),
    )


def _details(manifest: Manifest, say: Speaker) -> Section:
    lineage = manifest.lineage
    seed = say("seed-unknown") if lineage.seed is None else str(lineage.seed)
    rows: list[tuple[str, Words]] = [
        (say("name"), manifest.name),
        (say("version"), manifest.version),
        (say("licence"), manifest.licence),
        (say("languages"), say.listed(say(f"language-{one}") for one in manifest.languages)),
        (say("algorithm"), lineage.algorithm),
        (say("trained-by"), lineage.trained_by),
        (say("trained-at"), _moment(lineage.trained_at, say)),
        (say("code"), lineage.code),
        (say("seed"), seed),
        (say("parameters"), parameters_in_words(lineage.parameters)),
        (say("run-record"), lineage.run_record or ""),
        (say("frozen-at"), _moment(lineage.frozen_at, say)),
        (say("frozen-with"), lineage.frozen_with),
        (say("replaces"), lineage.parent or ""),
    ]
    return Section("details", say("details"), (Pairs(tuple(row for row in rows if row[1])),))


def _use(manifest: Manifest, say: Speaker) -> Section:
    level = manifest.claim_level
    rows: tuple[tuple[str, Words], ...] = (
        (say("for"), say.author(manifest.intended_use)),
        (say("not-for"), say.author(manifest.not_for)),
        (
            say("claim"),
            say("claim-of", level=say(f"claim-{level}"), means=say(f"means-{level}")),
        ),
    )
    return Section("use", say("use"), (Pairs(rows),))


def _moment(text: str, say: Speaker) -> str:
    """Return a timestamp of the manifest to the second, for people."""
    day, time = text.removesuffix("Z").split("T")
    return say("moment", day=day, time=time.split(".")[0])
