"""An answer in one sentence: "pneumonia: 98 %, above the threshold of 62 %".

In English and Japanese. The rounding never contradicts the label: of a probability and its threshold
so many digits are shown as put both on their sides, and what is neither 0 nor 1 is never shown as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from typing import Final, Protocol

from bedside.package.fields import Language, Text
from bedside.package.manifest import Manifest
from bedside.package.outputs import BinaryOutput, MulticlassOutput, NumberOutput, OutputClass

LEAST: Final = 0.0005
"""Below this, and above 1 minus this, a probability is told as a bound."""

MOST_DECIMALS: Final = 6

FEWEST_DIGITS: Final = 6
"""Significant digits of a threshold, where they are enough."""

MOST_DIGITS: Final = 17
"""Significant digits that tell any two binary64 numbers apart. Source: IEEE 754-2019, section 5.12.2."""


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


def percent(probability: float) -> str:
    """Return a probability from 0 to 1 as percent."""
    return f"{_bound(probability) or _fewest(probability)} %"


def percent_and_threshold(probability: float, threshold: float) -> tuple[str, str]:
    """Return a probability and what it is compared with, both from 0 to 1, as percent.

    So many digits are shown of both that they compare as the two do.
    """
    digits = range(FEWEST_DIGITS, MOST_DIGITS + 1)
    for mark in (_rounded(threshold, number) for number in digits):
        if mark is None:
            continue
        if probability == threshold:
            return f"{mark} %", f"{mark} %"
        value = _bound(probability, threshold) or _beside(probability, threshold, mark)
        if value is not None:
            return f"{value} %", f"{mark} %"
    raise AssertionError((probability, threshold))  # 17 digits tell any two numbers apart


def in_words(one: OutputClass, language: Language) -> str:
    """Return what is shown for a class: its words, in English where there are no others."""
    return one.shown.get(language) or one.shown.get("en") or one.label


def _told(manifest: Manifest, answer: Answered, language: Language) -> str:
    match manifest.row_output:
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
    name = in_words(positive, language)
    value, mark = percent_and_threshold(score, line)
    if language == "ja":
        return f"{name}: {value}、しきい値 {mark} {'以上' if score >= line else '未満'}"
    side = "at" if score == line else "above" if score > line else "below"
    return f"{name}: {value}, {side} the threshold of {mark}"


def _bound(probability: float, threshold: float = 0.5) -> str | None:
    """Return "< 0.1" or "> 99.9" where that says enough, on its side of `threshold`."""
    if 0 < probability < LEAST and threshold >= 2 * LEAST:
        return "< 0.1"
    if 1 - LEAST < probability < 1 and threshold <= 1 - 2 * LEAST:
        return "> 99.9"
    return None


def _fewest(probability: float) -> str:
    """Return a probability in percent with the fewest digits that show neither 0 nor 100."""
    return next(text for text in _spellings(probability) if text is not None)


def _beside(probability: float, threshold: float, mark: str) -> str | None:
    """Return the shortest spelling on its side of `mark`, which is how `threshold` is shown."""
    line = Decimal(mark)
    for text in _spellings(probability):
        value = line if text is None else Decimal(text)
        if value != line and (value > line) == (probability > threshold):
            return text
    return None


def _spellings(probability: float) -> Iterator[str | None]:
    """Give a probability in percent with more and more digits; None where one would be untrue."""
    exact = _hundredfold(probability)
    for decimals in range(MOST_DECIMALS + 1):
        yield _true(f"{exact:.{decimals}f}", probability)
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        yield _rounded(probability, digits)


def _rounded(probability: float, digits: int) -> str | None:
    """Return a probability in percent to so many significant digits; None where that is untrue."""
    shown = Context(prec=digits).create_decimal(_hundredfold(probability))
    plain = f"{shown:f}"
    return _true(plain.rstrip("0").rstrip(".") if "." in plain else plain, probability)


def _hundredfold(probability: float) -> Decimal:
    """Return 100 times a binary64 number, exactly: it has at most 767 significant digits."""
    return Context(prec=800).multiply(Decimal(probability), 100)


def _true(text: str, probability: float) -> str | None:
    """Return `text` unless it says 0 or 100 % of what is neither."""
    return None if Decimal(text) in (0, 100) and probability not in (0, 1) else text
