"""Fills a draft as its author would: each open line gets an answer, then `draft = true` goes."""

from __future__ import annotations

import re
from collections.abc import Mapping

ANSWERS: Mapping[str, str] = {
    "name": '"small-risk"',
    "licence": '"Apache-2.0"',
    "claim_level": '"demonstration"',
    "title.en": '"A risk"',
    "title.ja": '"リスク"',
    "intended_use.en": '"Tests."',
    "intended_use.ja": '"試験のため。"',
    "not_for.en": '"Patients."',
    "not_for.ja": '"患者。"',
    "fields.unit": '"1"',
    "output.positive": '"ill"',
    "output.threshold.value": "0.37",
    "output.threshold.meaning": '{ en = "for tests" }',
    "origin.trained_by": '"the tests"',
    "origin.trained_at": "2026-11-21T08:00:00Z",
    "origin.code": '"tests"',
    "origin.split": '"none"',
    "origin.data.name": '"rows"',
    "origin.data.licence": '"CC0-1.0"',
    "origin.data.consent_basis": '"invented"',
    "origin.data.origin": '"tests"',
    "evaluation.data.name": '"rows"',
    "evaluation.data.digest": f'"sha256:{"0" * 64}"',
    "evaluation.data.rows": "3",
    "evaluation.data.licence": '"CC0-1.0"',
    "evaluation.data.consent_basis": '"invented"',
    "evaluation.data.origin": '"tests"',
    "evaluation.metrics.name": '"accuracy"',
    "evaluation.metrics.value": "0.8",
    "evaluation.metrics.lower": "0.7",
    "evaluation.metrics.upper": "0.9",
    "evaluation.metrics.method": '"Wilson score"',
    "evaluation.metrics.n": "100",
}


def filled(draft: str, labels: tuple[str, ...] = (), **changes: str) -> str:
    """Return `draft` with every open line answered; `labels` go to the classes in order."""
    answers = {**ANSWERS, **changes}
    waiting = list(labels)
    table, lines = "", []
    for line in draft.splitlines():
        if heading := re.match(r"\[+([a-z_.]+)\]+", line):
            table = heading[1]
        name, equals, rest = line.partition(" = ")
        if equals and '"?"' in rest.partition(" # ")[0] and not line.startswith("#"):
            place = f"{table}.{name}".lstrip(".")
            answer = f'"{waiting.pop(0)}"' if place == "output.classes.label" else answers[place]
            lines.append(f"{name} = {answer}")
        else:
            lines.append(line)
    return "\n".join(lines).replace("draft = true\n", "") + "\n"
