"""An answer in one sentence: "pneumonia: 98 %, above the threshold of 62 %".

In English and Japanese. The rounding never contradicts the label: a probability just below its threshold is not rounded
up to it, and one that is neither 0 nor 1 is never shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from bedside.package.fields import Language, Text
from bedside.package.manifest import Manifest
from bedside.package.outputs import BinaryOutput, MulticlassOutput, NumberOutput, OutputClass

LEAST: Final = 0.0005
"""Below this, and above 1 minus this, a probability is told as a bound."""

MOST_DECIMALS: Final = 6


class Answered(Protocol):
    """What an answer of the runtime and a recorded prediction have in common."""

    @property
    def label(self) -> str | None:
        """The label that is shown; None for a quantity."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Probability by label, or the quantity by its name."""


def told(manifest: Manifest, answer: Answered) -> Text:
    """Return `answer` of the model of `manifest` as one sentence in each language."""
    return {"en": _told(manifest, answer, "en"), "ja": _told(manifest, answer, "ja")}


def percent(probability: float, threshold: float | None = None) -> str:
    """Return a probability from 0 to 1 as percent.

    Args:
        probability: What is told.
        threshold: What it is compared with; so many decimals are shown as tell the two apart.
    """
    if probability in (0.0, 1.0, threshold):
        return f"{_exact(probability):g} %"
    if probability < LEAST and (threshold is None or threshold >= 2 * LEAST):
        return "< 0.1 %"
    if probability > 1 - LEAST and (threshold is None or threshold <= 1 - 2 * LEAST):
        return "> 99.9 %"
    texts = (f"{100 * probability:.{decimals}f}" for decimals in range(MOST_DECIMALS + 1))
    fitting = (text for text in texts if _is_true(float(text), probability, threshold))
    return f"{next(fitting, f'{100 * probability:.12g}')} %"


def in_words(one: OutputClass, language: Language) -> str:
    """Return what is shown for a class: its words, in English where there are no others."""
    return one.shown.get(language) or one.shown.get("en") or one.label


def _told(manifest: Manifest, answer: Answered, language: Language) -> str:
    match manifest.postprocessing:
        case BinaryOutput() as output:
            return _binary(output, answer.scores[output.positive], language)
        case MulticlassOutput() as output:
            (shown,) = (one for one in output.classes if one.label == answer.label)
            name, value = in_words(shown, language), percent(answer.scores[shown.label])
            if language == "ja":
                return f"{name}: {value}、{len(output.classes)} 分類のうち最も確率が高い"
            return f"{name}: {value}, the most probable of {len(output.classes)} classes"
        case NumberOutput() as output:
            unit = "" if output.unit == "1" else f" {output.unit}"
            return f"{output.name}: {answer.scores[output.name]:.4g}{unit}"


def _binary(output: BinaryOutput, score: float, language: Language) -> str:
    (positive,) = (one for one in output.classes if one.label == output.positive)
    line = output.threshold.value
    name, value, mark = in_words(positive, language), percent(score, line), f"{_exact(line):g} %"
    if language == "ja":
        return f"{name}: {value}、しきい値 {mark} {'以上' if score >= line else '未満'}"
    side = "at" if score == line else "above" if score > line else "below"
    return f"{name}: {value}, {side} the threshold of {mark}"


def _is_true(shown: float, probability: float, threshold: float | None) -> bool:
    """Return whether a rounded percentage is neither 0 nor 100, and on its side of the threshold."""
    if shown in (0.0, 100.0):
        return False
    if threshold is None:
        return True
    line = _exact(threshold)
    return shown != line and (shown > line) == (probability > threshold)


def _exact(probability: float) -> float:
    """Return a stated probability in percent, without what binary fractions add (0.07 × 100)."""
    return float(f"{100 * probability:.6g}")
