"""The demonstration model: breast masses of 569 real patients, from their data to a signed package.

The data come with scikit-learn, so nothing is downloaded. `breast_cancer_model` does the work and
needs the laboratory libraries; this face can be imported without them.
"""

from __future__ import annotations

from pathlib import Path

from bedside.clock import Clock, system_clock
from bedside.freezing.libraries import check_libraries
from bedside.keys.signing import SigningKey
from bedside.lab.trained import Trained


def train(
    out_dir: Path, key: SigningKey | Path | None, seed: int = 1, *, clock: Clock = system_clock
) -> Trained:
    """Train, measure and freeze the demonstration model; write four files into `out_dir`.

    A logistic regression on standardised measurements, trained on 60 % of the patients; the
    threshold is chosen on 20 %, the metrics are of the last 20 %, which nothing else has seen.
    The metrics are calculated from the native model and again from the frozen one.

    Args:
        out_dir: Made where it is not there yet.
        key: Signs the package.
        seed: Of the split and of the bootstrap.
        clock: Gives the times that are recorded.

    Raises:
        UsageError: a laboratory library is missing; names the extra that brings it.
        FreezeRefused: the frozen model is not exactly the native one.
    """
    check_libraries()
    from bedside.lab.breast_cancer_model import run  # noqa: PLC0415 - imports scikit-learn

    return run(out_dir, key, seed, clock)
