"""What a loaded model answers, with its explanation where that is asked; time and memory bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bedside.canonical import Json
from bedside.errors import LimitExceeded
from bedside.package.explanation import MAX_PASSES
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.postprocess import Answer
from bedside.serving.released import Loaded

MAX_PICTURE_PASSES: Final = 4_096
"""Pictures that the network computes for the explanations of one request, of several pictures; one
alone may take what its package declares, which people have read and approved."""


class GivenUp(Exception):
    """Nobody waits for the answer any more; what was computed of it is thrown away."""


def computed(
    loaded: Loaded, inputs: Sequence[Json], *, explain: bool, going_on: GoingOn = always
) -> tuple[Answer, ...]:
    """Return what `loaded` answers to `inputs`, explained where that is asked.

    Args:
        loaded: The model.
        inputs: Raw rows.
        explain: Whether to explain.
        going_on: Asked between pictures and between batches; it raises `GivenUp` where nobody waits.

    Raises:
        InputRefused: the gate refused one of them; nothing was explained.
        LimitExceeded: the explanations together would take too long, or too many pictures.
        UsageError: an explanation that the model does not declare.
        PackageRefused: the model gives no usable number.
    """
    explanation = loaded.manifest.explanation
    if not explain or explanation is None:
        return loaded.runner.predict(inputs, explain=explain, going_on=going_on)
    passes = len(inputs) * explanation.passes
    most = MAX_PICTURE_PASSES if loaded.pictures else MAX_PASSES
    if passes > most and len(inputs) > 1:
        raise LimitExceeded(
            f"To explain {len(inputs)} answers the network would compute {passes} times; at most "
            f"{most} times in one request.",
            advice=f"Ask for at most {max(1, most // explanation.passes)} with their explanations.",
        )
    if not loaded.pictures:
        return loaded.runner.predict(inputs, explain=True, going_on=going_on)
    if len(inputs) > 1:
        loaded.runner.predict(
            inputs, going_on=going_on
        )  # all pass the gate before any is explained
    # one by one, so that the pixels of one picture are in memory, and not those of all
    return tuple(loaded.runner.predict([one], explain=True, going_on=going_on)[0] for one in inputs)
