"""Of which score an explanation speaks, and on which scale.

`docs/spec/package.md`, section 12.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.errors import PackageRefused
from bedside.package.explanation import Contributions, Occlusion
from bedside.package.outputs import BinaryOutput, MulticlassOutput, Output
from bedside.runtime.postprocess import Answer


def explained_name(output: Output, answer: Answer) -> str:
    """Return the name of the score that is explained.

    The positive label of a binary output whatever is shown, the label that is shown of a
    multiclass one, the name of a number.
    """
    match output:
        case BinaryOutput():
            return output.positive
        case MulticlassOutput():
            assert answer.label is not None  # noqa: S101 - only a number has no label
            return answer.label
    return output.name


def clipped(scores: NDArray[np.float64], explanation: Contributions | Occlusion) -> bool:
    """Return whether one of `scores` is so near to 0 or 1 that its logit is cut off."""
    if explanation.scale != "logit":
        return False
    return bool(((scores < explanation.clip) | (scores > 1 - explanation.clip)).any())


def on_scale(
    scores: NDArray[np.float64], explanation: Contributions | Occlusion
) -> NDArray[np.float64]:
    """Return probabilities or values on the declared scale, float64.

    The logit is ln p − ln(1 − p), p kept `clip` away from 0 and 1.

    Raises:
        PackageRefused: a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise PackageRefused(
            f"While explaining, the model gave {scores[~np.isfinite(scores)][0]}; there is no "
            "explanation to show.",
            advice="Ask for the answer alone, or narrow the declared domain.",
        )
    if explanation.scale != "logit":
        return np.asarray(scores, dtype=np.float64)
    kept = np.clip(scores, explanation.clip, 1 - explanation.clip)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)
