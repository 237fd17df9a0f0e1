"""What a loaded model answers, with its explanation where that is asked; time and memory bounded."""

from __future__ import annotations

from collections.abc import Sequence

from bedside.canonical import Json
from bedside.errors import LimitExceeded
from bedside.package.explanation import MAX_PASSES
from bedside.runtime.postprocess import Answer
from bedside.serving.released import Loaded


def computed(loaded: Loaded, inputs: Sequence[Json], *, explain: bool) -> tuple[Answer, ...]:
    """Return what `loaded` answers to `inputs`, explained where that is asked.

    Raises:
        InputRefused: the gate refused one of them; nothing was explained.
        LimitExceeded: the explanations together would take too long, or too many pictures.
        UsageError: an explanation that the model does not declare.
        PackageRefused: the model gives no usable number.
    """
    explanation = loaded.manifest.explanation
    if not explain or explanation is None:
        return loaded.runner.predict(inputs, explain=explain)
    passes = len(inputs) * explanation.passes
    if passes > MAX_PASSES:
        raise LimitExceeded(
            f"To explain {len(inputs)} answers the network would compute {passes} times; at most "
            f"{MAX_PASSES} times in one request.",
            advice="Ask for fewer explanations at once.",
        )
    if not loaded.pictures:
        return loaded.runner.predict(inputs, explain=True)
    if len(inputs) > 1:
        loaded.runner.predict(inputs)  # all pass the gate before any is explained
    # one by one, so that the pixels of one picture are in memory, and not those of all
    return tuple(loaded.runner.predict([one], explain=True)[0] for one in inputs)
