"""The answer to a plain prediction, spelled from a template that is made once per release and label.

The template is cut from what `answers.one_answer` says of a made-up prediction; a property test
holds the bytes against those of the long way.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final, NamedTuple

from bedside.api.answers import one_answer, predicted_response
from bedside.serving.spelling import cut
from bedside.serving.values import Prediction

_HOLE: Final = "<bedside hole>"
_AT: Final = "<bedside time>"
_INDEX: Final = 8_730_264_951_137_642
_SCORE: Final = 5_103_948_276_300_000.5

MOST: Final = 256
"""Templates that are kept; beyond it all are made anew."""


class _Template(NamedTuple):
    text: str
    names: tuple[str, ...]


class AnswerSpelling:
    """The templates of one application's answers."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str | None], _Template] = {}

    def __call__(self, prediction: Prediction) -> bytes:
        """Return the body of the answer: the bytes that `answers.predicted_response` gives.

        Args:
            prediction: Of a plain row: without a picture, flags or an explanation.
        """
        key = (prediction.package, prediction.label)
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= MOST:
                self._templates.clear()
            try:
                template = self._templates[key] = _made(prediction)
            except ValueError:  # a text of the package looks like a hole: the long way, every time
                return bytes(predicted_response([prediction], many=False).body)
        scores = prediction.scores
        told = [*map(repr, map(scores.__getitem__, template.names))]
        return (template.text % (prediction.id, *told, prediction.index, prediction.at)).encode()


def _made(like: Prediction) -> _Template:
    names = tuple(like.scores)
    scores = {name: _SCORE + place for place, name in enumerate(names)}
    made_up = replace(like, id=_HOLE, scores=scores, index=_INDEX, at=_AT)
    text = json.dumps(one_answer(made_up), ensure_ascii=False, separators=(",", ":"))
    holes = [_HOLE, *map(repr, scores.values()), str(_INDEX), _AT]
    return _Template(cut(text, holes), names)
