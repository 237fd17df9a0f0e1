"""What a spec asks its author, place by place: a draft prints it, a refusal repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

Place: TypeAlias = tuple[int | str, ...]
"""Where an answer stands: the names of tables, and zero-based positions in lists."""

DATA: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "what the data set is called",
        "digest": "its SHA-256, written sha256:… (`sha256sum FILE` prints it)",
        "rows": "how many rows, or pictures, it has",
        "licence": "under which licence the data may be used",
        "consent_basis": "why these people's data may be used: consent, opt-out, law, ethics "
        "approval with its number, or nobody's data",
        "origin": "where it comes from: which hospital, register or page, and from which years",
    }
)
"""What is asked of every data set."""

ASKED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "the model's name for programs: lower-case letters, digits and -, like chest-film",
        "version": "a semantic version, like 1.0.0",
        "title": "one line that tells a physician what this is",
        "licence": "under which licence others may use the model: an SPDX name like Apache-2.0, "
        "or words",
        "intended_use": "who uses it, for which patients, to find out what; and who decides then",
        "not_for": "for whom and for what it must not be used",
        "claim_level": "what is claimed: demonstration (shows how it works), research (not for "
        "care), investigational (in a study with approval) or cleared (by an authority)",
        "languages": "the languages of its words: en, ja or both",
        "native_classes": "the model's own classes, in the order of output.classes",
        "fields": "every input field of the model",
        "fields[].kind": "number or category",
        "fields[].name": "what the field is called, as in your data",
        "fields[].unit": "its unit in UCUM, like mg/dL, mm or a (year); 1 where it has none",
        "fields[].minimum": "the smallest value that the model may be asked about",
        "fields[].maximum": "the largest value that the model may be asked about",
        "fields[].whole": "whether only whole numbers are allowed",
        "fields[].categories": "every code that may be sent",
        "fields[].missing": "allow or refuse: what happens when the value is not sent",
        "fields[].unknown": "allow or refuse: what happens to a code that training never saw",
        "fields[].description": "what the field means, for people",
        "image": "what a picture must be",
        "image.media": "which files: png, jpeg, dicom",
        "image.modalities": "DICOM modalities, like CR and DX",
        "image.body_parts": "values of Body Part Examined, like CHEST",
        "image.views": "view positions, like PA and AP",
        "image.unstated": "what happens when nobody says modality, body part or view: refuse, "
        "flag or allow",
        "image.pixels": "grey or colour",
        "image.most_elongated": "how many times longer than the shorter side the longer may be",
        "image.likeness.minimum": "the smallest correlation with the mean of your pictures",
        "image.rows": "how many rows a picture may have",
        "image.columns": "how many columns a picture may have",
        "preprocessing": "what is done to a picture before the network sees it, as in training",
        "preprocessing[].fields": "which fields become columns, in order",
        "preprocessing[].centre": "what training subtracted from each column",
        "preprocessing[].scale": "what training divided each column by",
        "preprocessing[].mean": "the mean of each channel that training subtracted",
        "preprocessing[].deviation": "the standard deviation of each channel that training "
        "divided by",
        "preprocessing[].rows": "rows of the picture that the network takes",
        "preprocessing[].columns": "columns of the picture that the network takes",
        "preprocessing[].filter": "how training resized: nearest, box, bilinear, bicubic or lanczos",
        "network": "what the network gives",
        "network.gives": "what its numbers are: probabilities (one a class), probability (of the "
        "positive class), logits, logit (both before softmax or sigmoid) or number",
        "network.output": "which of its outputs is the answer",
        "network.column": "which column is meant, counted from 0, if it has several findings",
        "output.kind": "binary (two classes and a threshold), multiclass or number",
        "output.classes": "the classes, in the order of the model's columns",
        "output.classes[].label": "the name of this class, as people read it",
        "output.classes[].shown": "the words that are shown for this class",
        "output.positive": "which of the two labels is the finding",
        "output.threshold.value": "from which probability on the positive label is shown",
        "output.threshold.meaning": "why the line is drawn there, in words for a physician",
        "output.name": "what the number is",
        "output.unit": "its unit in UCUM; 1 where it has none",
        "origin.trained_by": "the person or team that trained the model",
        "origin.trained_at": "when, like 2026-11-21T08:00:00Z",
        "origin.code": "the commit, or another exact name, of the training code",
        "origin.split": "how the data was split into training, validation and test",
        "origin.seed": "the seed of the training's random numbers",
        **{f"origin.data[].{name}": question for name, question in DATA.items()},
        "evaluation": "how good it is, on data that training never saw",
        **{f"evaluation.data.{name}": question for name, question in DATA.items()},
        "evaluation.metrics": "at least one figure with its confidence interval",
        "evaluation.metrics[].name": "which figure, like AUC, sensitivity or specificity",
        "evaluation.metrics[].value": "the estimate",
        "evaluation.metrics[].lower": "the lower end of its interval",
        "evaluation.metrics[].upper": "the upper end of its interval",
        "evaluation.metrics[].confidence": "the confidence of the interval, like 0.95",
        "evaluation.metrics[].method": "how estimate and interval were made, like Wilson score",
        "evaluation.metrics[].n": "how many cases it rests on",
    }
)
"""The question at each place; `[]` stands for any position."""


def question(place: Place) -> str:
    """Return what is asked at `place`, or nothing where no question is known."""
    text = ""
    for step in place:
        text += "[]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    for suffix in ("", ".en", ".ja", "[]", ".minimum", ".maximum"):
        if suffix and not text.endswith(suffix):
            continue
        if found := ASKED.get(text[: len(text) - len(suffix)]):
            return found
    return ""
