"""Learning curves as a picture: loss, rate of learning, and every metric of the validations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.imaging.views.chart import charts
from bedside.imaging.views.curves import Chart, Curve
from bedside.lab.training.diary import read_diary
from bedside.lab.training.optimising import rate
from bedside.lab.training.settings import Settings
from bedside.store.disk import replace_file

NAME: Final = "curves.png"
MODE: Final = 0o644
SMOOTH: Final = 0.05
"""Share of the lines over which the loss is averaged for its thick line."""

MOST_METRICS: Final = 6


def draw_curves(folder: Path, settings: Settings, title: str) -> None:
    """Draw the log of a run into its folder.

    Raises:
        OSError: it cannot be written.
    """
    lines = read_diary(folder)
    losses = [line for line in lines if "loss" in line]
    validations = [line for line in lines if "validation" in line]
    plots = [_loss(losses, title)]
    metrics = dict.fromkeys(name for line in validations for name in line["validation"])
    for name in list(metrics)[:MOST_METRICS]:
        known = [line for line in validations if name in line["validation"]]
        steps = [line["step"] for line in known]
        values = [line["validation"][name] for line in known]
        dots = (Curve("", steps, values), Curve("", steps, values, drawn="points"))
        plots.append(Chart(f"validation: {name}", "step", name, dots))
    last = losses[-1]["step"] if losses else 1
    steps = list(range(0, max(last, 2), max(1, last // 500)))
    rates = [rate(settings, step) for step in steps]
    plots.append(Chart("rate of learning", "step", "rate", (Curve("", steps, rates),)))
    replace_file(folder / NAME, charts(plots, columns=2), MODE)


def _loss(lines: Sequence[dict[str, Json]], title: str) -> Chart:
    steps = [line["step"] for line in lines]
    values = np.array([line["loss"] for line in lines], dtype=np.float64)
    window = max(1, round(SMOOTH * len(values)))
    curves = (
        Curve("mean", steps, _smoothed(values, window)),
        Curve("each", steps, values, faint=True),
    )
    positive = bool(len(values)) and bool((values > 0).all())
    return Chart(f"{title}: loss", "step", "loss", curves, logarithmic=positive)


def _smoothed(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the mean of each value and those before it, up to `window` of them."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - window, 0)
    means: NDArray[np.float64] = (sums[ends] - sums[begins]) / (ends - begins)
    return means
