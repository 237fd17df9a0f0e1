"""Many plain rows of one request: answered together, and spelled from the release's templates.

A request whose rows are all plain (`runtime.plain_gate`) gets the same answers and the same events as by the
long way, in about half the time. One row that is not plain (a gap, another unit, or one that the gate
would refuse) sends the whole request the long way.
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.clock import new_ids
from bedside.keys.subjects import SubjectKey
from bedside.ledger.events import prepare_spelled
from bedside.runtime.postprocess import Answer
from bedside.serving.attempt import Asking, Attempt
from bedside.serving.recording import Asked
from bedside.serving.spelling import PredictionSpelling, Said


def plain_answers(request: Asking) -> tuple[Answer, ...]:
    """Return one answer for each row where all are plain and several; nothing where not.

    Raises:
        PackageRefused: the model gives no usable number for one of them.
    """
    loaded, rows = request.loaded, request.rows
    if loaded.spelling is None or request.explain or len(rows) < 2:
        return ()
    places, answers = loaded.runner.plain([row.input for row in rows])
    return answers if len(places) == len(rows) else ()


def spelled_attempt(
    request: Asking,
    spelling: PredictionSpelling,
    asked: Asked,
    answers: Sequence[Answer],
    keys: Sequence[SubjectKey],
) -> Attempt:
    """Return the answers with their events, as `recording.prediction_draft` would spell them.

    Args:
        request: What is asked; each row is plain.
        spelling: Of the release that answered.
        asked: The same, in the words of the record.
        answers: One for each row.
        keys: Seals the personal part of each row.
    """
    fences = (asked.release.fence, *asked.caller.fences)
    count = len(answers)
    ids = new_ids(2 * count)
    prepared = []
    parts = zip(request.rows, answers, keys, strict=True)
    for place, (row, answer, key) in enumerate(parts):
        said = Said(row, answer, key, asked.microseconds, fences)
        pair = (ids[2 * place], ids[2 * place + 1])
        spelled = spelling.event(request.caller, pair, said, (place, count))
        prepared.append(prepare_spelled(spelled))
    return Attempt(request.loaded, tuple(ids[::2]), tuple(answers), tuple(prepared))
